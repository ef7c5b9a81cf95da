-- Swain's own tables. They live in the schema `swain`, so that `drop schema swain cascade` leaves nothing behind.

create table swain.meta (name text primary key, value text not null);

-- One row: the ends of the log, and the snapshot of the last pass. Its advisory lock orders the passes.
create table swain.state (
    one boolean not null default true check (one),
    epoch text not null,
    system bigint not null,
    snapshot pg_snapshot not null,
    head bigint not null,
    floor bigint not null
);

-- Each change once, written in the writer's own transaction. The id is not the order of the log: it says only the order
-- within one transaction. `m` and `s` are marks: what was captured before one belongs to a mutation, or to Swain itself.
-- One value at a time from the sequence: a session that kept some would spoil even the order within a row.
create table swain.changes (
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
    usr text,
    device text,
    n bigint,
    primary key (tx, id)
);
-- Only a part of the key is indexed: an entry that does not fit would make somebody else's write fail.
create index changes_row on swain.changes (tbl, "left"(key, 500), id);

-- The order of the log: which changes are which position.
create table swain.positions (
    pos bigint primary key,
    tag bigint not null,
    at bigint not null,
    kind "char" not null,
    actor text,
    usr text,
    device text,
    n bigint,
    tx xid8 not null,
    first bigint not null,
    last bigint not null
);
-- A device's numbers rise with the positions.
create index positions_device on swain.positions (device, pos) where device is not null;
create index positions_tx on swain.positions (tx, last);

-- The changes of a position, by table and by each value of a scope column that a row had or has.
-- `first` holds the row before, `last` the row after; they differ when a transaction wrote a row more than once.
create table swain.scopes (
    tbl text not null,
    scope text not null,
    pos bigint not null,
    first bigint not null,
    last bigint not null,
    primary key (tbl, scope, pos, first)
);

-- By which columns the changes of a table were ever indexed, whatever the configuration says now.
create table swain.ever_scopes (tbl text not null, name text not null, primary key (tbl, name));

-- `at` is when it was last seen.
create table swain.devices (
    device text primary key,
    usr text,
    last bigint not null,
    at bigint not null,
    retired boolean not null default false
);
create index devices_seen on swain.devices (at) where not retired;

-- What became of a mutation.
create table swain.ledger (
    device text not null,
    n bigint not null,
    content text not null,
    result text not null,
    primary key (device, n)
);

-- What keys stand for that devices proposed.
create table swain.aliases (
    device text not null,
    tbl text not null,
    proposed text not null,
    key text not null,
    n bigint not null,
    primary key (device, tbl, proposed)
);
create index aliases_mutation on swain.aliases (device, n);

create table swain.schemas (version bigint primary key, hash text not null, tables text not null);

create table swain.shapes (hash text primary key, list text not null, used bigint not null);
create index shapes_used on swain.shapes (used);

create table swain.persons (
    id text primary key,
    email text not null unique,
    name text not null,
    role text not null,
    password_hash text not null,
    verified boolean not null default false
);

create table swain.refresh (
    hash text primary key,
    family text not null,
    usr text not null,
    expires bigint not null,
    used bigint,
    begun bigint not null default 0,
    agent text not null default ''
);
create index refresh_family on swain.refresh (family);
create index refresh_expires on swain.refresh (expires);
