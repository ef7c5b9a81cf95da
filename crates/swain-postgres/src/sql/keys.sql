-- The key of a row as the log keeps it, and its entries in the index by scope; for TRUNCATE, which has many rows at once.
create or replace function swain.key_of("row" json, names text[]) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select '[' || string_agg(coalesce(to_json("row" ->> name)::text, 'null'), ',' order by place) || ']'
    from unnest(names) with ordinality as columns (name, place)
$$;

create or replace function swain.scopes_of("row" json, names text[]) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(swain.scope(name, "row" ->> name)), '{}') from unnest(names) as name
$$;

-- TRUNCATE fires no trigger for a row, so the rows are noted before they go. Nobody else can write meanwhile.
create or replace function swain.capture_truncate() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'iso_8601'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
    keys int := tg_argv[1]::int;
    names text[] := tg_argv;
begin
    -- The arguments are counted from 0.
    execute format(
        'insert into swain.changes (op, tbl, key, scopes, before, actor)
         select ''d'', $1, swain.key_of(image, $2), swain.scopes_of(image, $3), image, $4
         from (select row_to_json("!swain") as image from only %s "!swain") as gone', tg_relid::regclass)
    using tg_argv[0], names[2 : keys + 1], coalesce(names[keys + 2 : tg_nargs - 1], '{}'),
        nullif(current_setting('swain.actor', true), '');
    return null;
end
$capture$;

-- While a transaction is open, every version of the one row of the state that comes meanwhile stays. So that nobody reads
-- all of them, they are found by their head, the newest first; and no key is on them, which would be looked up for each.
alter table swain.state drop constraint if exists state_pkey;
create index if not exists state_head on swain.state (head);
create or replace view swain.latest as select * from swain.state order by head desc limit 1;

-- Whether this snapshot sees a change that has no position yet.
create or replace function swain.waits() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = 'force_generic_plan'
as $waits$
begin
    return exists (
        select from swain.changes
        where tx >= (select pg_snapshot_xmax(snapshot) from swain.latest) and tx < '9223372036854775808'
    ) or exists (
        select from swain.changes
        where tx = any (array(select pg_snapshot_xip(snapshot) from swain.latest))
    );
end
$waits$;

-- The highest n of a device that has a position. What is decided and waits for its position is not counted, in the same
-- snapshot: an acknowledgement never comes before its effects.
create or replace function swain.sequenced(device text) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = 'force_generic_plan'
as $sequenced$
declare
    waiting bigint;
begin
    select min(c.n) into waiting from swain.changes c
    where c.op = 'm' and c.device = sequenced.device and c.tx < '9223372036854775808' and (
        c.tx >= (select pg_snapshot_xmax(snapshot) from swain.latest)
        or c.tx = any (array(select pg_snapshot_xip(snapshot) from swain.latest)));
    return coalesce(waiting - 1, (select d.last from swain.devices d where d.device = sequenced.device), 0);
end
$sequenced$;

-- After a restore: another epoch; positions never go down. What was captured and has no position keeps its order, under
-- numbers that no transaction will ever have, so that what the old database's numbers say cannot be taken for the new one's.
create or replace function swain.adopt_identity(epoch text, system bigint) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $adopt$
declare
    past record;
begin
    perform pg_advisory_xact_lock(7743230);
    select * into strict past from swain.state;
    if past.system = adopt_identity.system
        and pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(past.snapshot) then
        return past.epoch;
    end if;
    with present as materialized (
        select pg_current_snapshot() as snapshot
    ), orphans as materialized (
        select c.tx, c.id, c.at, c.op, c.tbl, c.scopes, c.usr, c.device, c.n, c.actor from swain.changes c
        where not exists (
            select from swain.positions p where p.tx = c.tx and c.id between p.first and p.last)
    ), marked as (
        select *, max(id) over (partition by tx) as top,
            min(case when op in ('m', 's') then id end) over (
                partition by tx order by id desc rows between unbounded preceding and current row) as mark
        from orphans
    ), placed as materialized (
        select *, past.head + dense_rank() over (order by top, mark) as pos from marked
    ), positions as (
        insert into swain.positions (pos, tag, at, kind, actor, usr, device, n, tx, first, last)
        select pos, floor(random() * 4294967296)::bigint,
            coalesce(max(at) filter (where id = mark), max(at)), coalesce(max(op) filter (where id = mark), 'o'),
            max(actor), max(usr), max(device), max(n), ('9223372036854775808'::numeric + pos)::text::xid8, min(id), max(id)
        from placed group by pos
        returning 1
    ), scopes as (
        insert into swain.scopes (tbl, scope, pos, first, last)
        select distinct tbl, scope, pos, id, id from placed, unnest(scopes || array['']) as scope
        where op not in ('m', 's')
        returning 1
    ), restamped as (
        update swain.changes c set tx = ('9223372036854775808'::numeric + p.pos)::text::xid8
        from placed p where p.tx = c.tx and p.id = c.id
        returning 1
    )
    update swain.state s set epoch = adopt_identity.epoch, system = adopt_identity.system, snapshot = present.snapshot,
        head = coalesce((select max(pos) from placed), s.head) + 0 * (select count(*) from positions)
            + 0 * (select count(*) from scopes) + 0 * (select count(*) from restamped)
    from present;
    return adopt_identity.epoch;
end
$adopt$;
