-- Notes a change in the writer's own transaction. It takes no lock, sends no notification and looks at no configuration,
-- and nothing in it depends on the columns of the table, so that a migration never makes a write fail.
--
-- Arguments: the table's name, the number of key columns, the key columns, the scope columns.
-- The settings pin the text form of every value, whatever the writer's session prefers.
create or replace function swain.capture() returns trigger
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
    before json;
    after json;
begin
    -- Compares the bytes: a type without an operator for equality cannot make the write fail.
    if tg_op = 'UPDATE' and old *= new then
        return null;
    end if;
    before := case when tg_op <> 'INSERT' then row_to_json(old) end;
    after := case when tg_op <> 'DELETE' then row_to_json(new) end;
    -- What most writes are: a key of one column that stays as it is, and no scope columns. An expression costs as much to
    -- make ready as to evaluate, and is made ready anew in every transaction; so these are few.
    if tg_nargs = 3 and (tg_op <> 'UPDATE' or before ->> tg_argv[2] = after ->> tg_argv[2]) then
        insert into swain.changes (op, tbl, key, scopes, before, after, actor)
        values (
            case tg_op when 'INSERT' then 'i' when 'DELETE' then 'd' else 'u' end, tg_argv[0],
            '[' || to_json(coalesce(after, before) ->> tg_argv[2])::text || ']', '{}', before, after,
            nullif(current_setting('swain.actor', true), ''));
        return null;
    end if;
    declare
        before_key text := '';
        after_key text := '';
        scopes text[] := '{}';
        value text;
        keys int := tg_argv[1]::int;
        writer text := nullif(current_setting('swain.actor', true), '');
    begin
        for place in 2 .. tg_nargs - 1 loop
            if before is not null then
                value := before ->> tg_argv[place];
                if place < keys + 2 then
                    before_key := before_key || ',' || coalesce(to_json(value)::text, 'null');
                else
                    scopes := scopes || swain.scope(tg_argv[place], value);
                end if;
            end if;
            if after is not null then
                value := after ->> tg_argv[place];
                if place < keys + 2 then
                    after_key := after_key || ',' || coalesce(to_json(value)::text, 'null');
                else
                    scopes := scopes || swain.scope(tg_argv[place], value);
                end if;
            end if;
        end loop;
        if before is not null and after is not null and before_key <> after_key then
            insert into swain.changes (op, tbl, key, scopes, before, actor)
            values ('d', tg_argv[0], '[' || substr(before_key, 2) || ']', scopes, before, writer);
            before := null;
        end if;
        insert into swain.changes (op, tbl, key, scopes, before, after, actor)
        values (
            case when before is null then 'i' when after is null then 'd' else 'u' end,
            tg_argv[0],
            '[' || substr(case when after is null then before_key else after_key end, 2) || ']',
            scopes, before, after, writer);
        return null;
    end;
end
$capture$;

-- An entry of the index by scope. Values that begin alike may share one: who reads the changes compares the values.
create or replace function swain.scope(name text, value text) returns text
language sql immutable parallel safe
return name || coalesce('=' || "left"(value, 200), '~');
