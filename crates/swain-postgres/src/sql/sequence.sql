-- One pass of the sequencer: gives positions to every transaction that this pass is the first to see.
--
-- A transaction is seen for the first time when the last pass's snapshot did not see it and this one does: its id is not
-- below that snapshot's xmax, or was in progress then. So nothing is lost and nothing comes twice, whatever the order of
-- the commits, and a long transaction holds nobody up. Within a pass, transactions go by their last id: one that read or
-- overwrote another's rows wrote after it, so it comes later.
--
-- Returns how many positions it gave; -1 when another pass is going on.
create or replace function swain.sequence() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set synchronous_commit = 'on'
-- The planner cannot know that few changes are new.
set enable_seqscan = off
set enable_nestloop = off
set jit = off
-- One plan for all passes: to make a new one takes several times as long as a pass.
set plan_cache_mode = 'force_generic_plan'
as $sequence$
declare
    past record;
    given bigint;
    waiting xid8[];
begin
    -- The lock first, then the state: who had it before has committed by now.
    if not pg_try_advisory_xact_lock(7743230) then
        return -1;
    end if;
    select pg_snapshot_xmax(snapshot) as horizon, snapshot, head into strict past from swain.latest;
    if pg_snapshot_xmax(pg_current_snapshot()) < past.horizon then
        raise exception 'the transaction numbers of this database went backwards: it was restored'
            using errcode = 'SW001';
    end if;
    waiting := array(select pg_snapshot_xip(past.snapshot));

    -- One statement, so one snapshot for what is found and for what is remembered.
    with present as materialized (
        select pg_current_snapshot() as snapshot
    ), found as materialized (
        select tx, id, op, at, tbl, key, scopes, actor, usr, device, n
        from swain.changes where tx >= past.horizon and tx < '9223372036854775808'
        union all
        select tx, id, op, at, tbl, key, scopes, actor, usr, device, n
        from swain.changes where tx = any (waiting)
    ), marked as (
        -- The mark that ends a mutation comes behind its changes; what no mark ends came from outside.
        -- Backwards, because PostgreSQL adds up a frame whose begin moves anew for each row.
        select *,
            max(id) over (partition by tx) as top,
            min(case when op in ('m', 's') then id end) over (
                partition by tx order by id desc rows between unbounded preceding and current row) as mark
        from found
    ), placed as materialized (
        select *, past.head + dense_rank() over (order by top, mark) as pos from marked
    ), positions as (
        insert into swain.positions (pos, tag, at, kind, actor, usr, device, n, tx, first, last)
        select pos, floor(random() * 4294967296)::bigint,
            coalesce(max(at) filter (where id = mark), max(at)),
            coalesce(max(op) filter (where id = mark), 'o'),
            -- Of several programs in one transaction none is the position's; each change says its own.
            case when count(distinct coalesce(actor, '')) filter (where op not in ('m', 's')) = 1 then max(actor) end,
            max(usr), max(device), max(n), tx, min(id), max(id)
        from placed group by pos, tx
        returning 1
    ), counted as (
        select pos, tx, tbl, key, id, scopes, count(*) over (partition by pos, tbl, key) as times
        from placed where op not in ('m', 's')
    ), images as (
        -- A statement that writes several rows, and a trigger that writes one of them again: then the order of the ids
        -- is not the order of a row's versions. The images are: each follows the one that it replaced.
        select counted.pos, counted.tbl, counted.key, counted.id, side.step, (
            select hashtextextended(coalesce(case side.step when 1 then before else after end, ''), 0)
            from swain.changes where changes.tx = counted.tx and changes.id = counted.id
        ) as image
        from counted cross join (values (1), (-1)) as side (step) where times > 1
    ), ends as (
        select pos, tbl, key, image, sum(step) as balance,
            min(id) filter (where step = 1) as first, max(id) filter (where step = -1) as last
        from images group by pos, tbl, key, image having sum(step) <> 0
    ), chains as (
        -- A row that ends as it began has no ends, and is no change.
        select pos, tbl, key,
            min(first) filter (where balance > 0) as first, max(last) filter (where balance < 0) as last
        from ends group by pos, tbl, key
    ), told as (
        select pos, tbl, scopes, id as first, id as last from counted where times = 1
        union all
        select counted.pos, counted.tbl, counted.scopes, chains.first, chains.last
        from chains join counted using (pos, tbl, key) where chains.first is not null and chains.last is not null
    ), scopes as (
        insert into swain.scopes (tbl, scope, pos, first, last)
        select distinct tbl, scope, pos, first, last from told, unnest(scopes || array['']) as scope
        returning 1
    ), remembered as (
        update swain.state set snapshot = present.snapshot, head = (select max(pos) from placed)
        from present where head = past.head and exists (select from placed)
        returning head
    )
    select coalesce(max(pos), past.head) - past.head + 0 * (select count(*) from positions)
        + 0 * (select count(*) from scopes) + 0 * (select count(*) from remembered)
    into given from placed;

    if given > 0 then
        -- A hint for other nodes; one for a pass, because it makes commits wait for each other.
        perform pg_notify('swain', (past.head + given)::text);
    end if;
    return given;
end
$sequence$;
