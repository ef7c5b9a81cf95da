-- The bare trigger log: what an application has that only wants to know what changed. It gives no order that a reader
-- could follow.
create table audit (
    id bigint generated always as identity primary key,
    tx xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    op text not null,
    tbl text not null,
    before json,
    after json
);
create function audit() returns trigger language plpgsql as $audit$
begin
    insert into audit (op, tbl, before, after)
    values (
        tg_op, tg_table_name,
        case when tg_op <> 'INSERT' then row_to_json(old) end, case when tg_op <> 'DELETE' then row_to_json(new) end);
    return null;
end
$audit$;
create trigger audit after insert or update or delete on items for each row execute function audit();
