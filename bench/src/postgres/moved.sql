-- The other layout: what the trigger wrote is moved into the log by the pass that gives its position. Indexes are those
-- that serve the same questions. The pass has nothing of marks, nor of rows that a transaction wrote twice: both are
-- left out in its favour.
create table swain.outbox (
    tx xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity (cache 1),
    op "char" not null,
    at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
    tbl text not null,
    key text,
    scopes text[],
    before text,
    after text,
    actor text,
    primary key (tx, id)
);
-- It is empty most of the time, and must not grow by what was deleted.
alter table swain.outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create table swain.moved (
    pos bigint not null,
    seq int not null,
    tag bigint not null,
    op "char" not null,
    at bigint not null,
    tbl text not null,
    key text,
    scopes text[],
    before text,
    after text,
    actor text,
    primary key (pos, seq)
);
create index moved_row on swain.moved (tbl, "left"(key, 500), pos);

create or replace function swain.sequence() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set synchronous_commit = 'on'
set enable_seqscan = off
set enable_nestloop = off
set jit = off
as $sequence$
declare
    past record;
    given bigint;
    waiting xid8[];
begin
    if not pg_try_advisory_xact_lock(7743230) then
        return -1;
    end if;
    select pg_snapshot_xmax(snapshot) as horizon, snapshot, head into strict past from swain.state;
    waiting := array(select pg_snapshot_xip(past.snapshot));
    with present as materialized (
        select pg_current_snapshot() as snapshot
    ), taken as materialized (
        delete from swain.outbox where tx >= past.horizon or tx = any (waiting) returning *
    ), marked as (
        select *, max(id) over (partition by tx) as top from taken
    ), placed as materialized (
        select *, past.head + dense_rank() over (order by top) as pos, row_number() over (partition by tx order by id) as seq
        from marked
    ), logged as (
        insert into swain.moved (pos, seq, tag, op, at, tbl, key, scopes, before, after, actor)
        select pos, seq, floor(random() * 4294967296)::bigint, op, at, tbl, key, scopes, before, after, actor from placed
        returning 1
    ), remembered as (
        update swain.state set snapshot = present.snapshot, head = (select max(pos) from placed)
        from present where exists (select from placed)
        returning head
    )
    select coalesce(max(pos), past.head) - past.head + 0 * (select count(*) from logged)
        + 0 * (select count(*) from remembered)
    into given from placed;
    if given > 0 then
        perform pg_notify('swain', (past.head + given)::text);
    end if;
    return given;
end
$sequence$;
