-- Enqueue in SQL: any application adds events in its own transaction, in any language.
--
-- An application may call `enqueue`, `enqueue_many` and `wake`, and nothing else: they have the rights of their owner
-- (`security definer`), so that it needs none on the tables. What a database role may enqueue stands in `enqueue_grants`.
-- Their search path is pinned, or whoever calls them could put an object of the same name first. The other functions have the rights of their caller. None is compiled (`jit`):
-- that takes longer than what they do.
--
-- Both make drafts, which are checked by one function and added by another. A server refuses the same requests in the
-- same words, and adds the same rows: a test compares the two. Numbers in here are those of core's limits.

-- statement
-- What database roles may enqueue: a role, and those that inherit from it. `queue` and `event_type` are names, or the
-- beginning of names and an asterisk. `enginehouse sql grant` and `revoke` write it.
create table enginehouse.enqueue_grants (
    role_name text collate "C" not null,
    queue text collate "C" not null,
    event_type text collate "C" not null,
    granted_at timestamptz not null,
    constraint enqueue_grants_key primary key (role_name, queue, event_type),
    constraint a_grant_names_what_it_is_for check (
        queue ~ '^([A-Za-z0-9][A-Za-z0-9._:-]{0,199})?[*]?$' and queue <> ''
        and event_type ~ '^([A-Za-z0-9][A-Za-z0-9._:-]{0,199})?[*]?$' and event_type <> ''
    )
);

-- statement
-- Whether a name is the one that is granted, or begins with it.
create function enginehouse.is_granted(granted text, said text) returns boolean
language sql immutable
return case when right(granted, 1) = '*' then said ^@ left(granted, -1) else said = granted end;

-- statement
-- One event as it is asked for. Numbers are wide enough for anything that a caller may have written: they are checked
-- afterwards, all at once.
create type enginehouse.event_draft as (
    event_type text, payload json, queue text, priority numeric, run_at timestamptz, delay_seconds float8,
    required_capabilities text[], required_memory_mb numeric, engine_version text, scenario_run_id text,
    idempotency_key text, idempotency_window_seconds numeric, retry_policy json, visibility_timeout_seconds numeric,
    max_processing_seconds numeric, progress_timeout_seconds numeric, expires_after_seconds numeric, labels json, traceparent text
);

-- statement
-- A JSON number as a double. Not a number, which no range holds, if it is too large for one, or so small that only zero
-- is near.
create function enginehouse.read_number(said text) returns float8
language plpgsql immutable strict as $$
begin
    return said::float8;
exception when data_exception then
    return 'NaN';
end
$$;

-- statement
-- The moment that an RFC 3339 text names. What is finer than a millisecond is cut, and a leap second is the one before
-- it. Infinity, which no range holds, if it names none.
create function enginehouse.read_time(said text) returns timestamptz
language plpgsql immutable strict as $$
begin
    return case
        when said ~ (
            '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?'
            '([Zz]|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$'
        )
            then regexp_replace(replace(upper(said), ':60', ':59'), '(\.[0-9]{3})[0-9]+', '\1')::timestamptz
        else 'infinity'
    end;
exception when data_exception then
    return 'infinity';
end
$$;

-- statement
-- A whole number, also one that is written as a double, `5.0`; it may be cut if it is far beyond any range.
create function enginehouse.read_whole_number(said text) returns numeric
language sql immutable
return case when said ~ '^-?[0-9]+(\.0+)?$' then left(split_part(said, '.', 1), 99)::numeric end;

-- statement
-- What a wrong value must be, and what it was: objects and arrays by their kind, and long text cut.
create function enginehouse.must_be(what text, was json) returns text
language sql stable
return 'must be ' || what || ', was ' || case json_typeof(was)
    when 'object' then 'an object'
    when 'array' then 'an array'
    else left(was::text, 40) || case when length(was::text) > 40 then '...' else '' end
end;

-- statement
-- What is wrong with a value: null if nothing is.
create function enginehouse.name_error(said text) returns text
language sql stable
return case
    when not enginehouse.is_name(said) then enginehouse.must_be(
        'a name: 1 to 200 characters of A-Z, a-z, 0-9, ''.'', ''_'', '':'' and ''-'', beginning with a letter or digit',
        to_json(said)
    )
end;

-- statement
create function enginehouse.line_error(said text, shortest integer) returns text
language sql stable
return case
    when not enginehouse.is_one_line(said, shortest) then enginehouse.must_be(
        'a string of ' || case shortest when 0 then 'at most' else '1 to' end
        || ' 256 characters, none of them a control character',
        to_json(said)
    )
end;

-- statement
create function enginehouse.time_error(moment timestamptz, said json) returns text
language sql stable
return case
    when moment not between timestamptz '1970-01-01 00:00:00+00' and timestamptz '9999-12-30 22:00:00+00'
        then enginehouse.must_be('an RFC 3339 time between 1970 and 9999, such as 2026-11-23T10:00:00Z', said)
end;

-- statement
create function enginehouse.range_error(said anycompatible, kind text, lowest anycompatible, highest anycompatible)
returns text
language sql stable as $$
select case
    when said not between lowest and highest
        then enginehouse.must_be(kind || ' between ' || lowest::text || ' and ' || highest::text, to_json(said))
end
$$;

-- statement
-- One step of a JSON pointer. Of a key, a hundred characters are repeated.
create function enginehouse.pointer_step(key text) returns text
language sql immutable
return '/' || replace(replace(left(key, 100), '~', '~0'), '/', '~1') || case when length(key) > 100 then '…' else '' end;

-- statement
-- The same for a payload, `depth` levels down: nesting deeper than 64, a key that is given twice in one object, a number
-- that no double holds. PostgreSQL itself refuses half of a surrogate pair, once it is asked for a field.
create function enginehouse.payload_error(value json, depth integer) returns text
language plpgsql immutable strict as $$
#variable_conflict use_variable
declare
    kind text := json_typeof(value);
begin
    if depth = 1 then
        perform value -> '';
    end if;
    if kind = 'number' and enginehouse.read_number(value::text) = 'NaN' then
        return 'number out of range';
    elsif kind <> 'object' and kind <> 'array' then
        return null;
    elsif depth > 64 then
        return 'nested deeper than 64';
    end if;
    return coalesce(
        (
            select format('the key %s is given twice', to_json(key))
            from json_object_keys(case kind when 'object' then value end) as key
            group by key having count(*) > 1 order by key limit 1
        ),
        (
            select min(enginehouse.payload_error(child.value, depth + 1))
            from (
                select field.value from json_each(case kind when 'object' then value end) as field
                union all
                select element.value from json_array_elements(case kind when 'array' then value end) as element
            ) as child
            where child.value::text ~ '^([{[]|-?[0-9].*[eE])' or length(child.value::text) > 300
        )
    );
end
$$;

-- statement
-- What is wrong with the shape of JSON objects, which typed arguments cannot have: a field that is unknown or given
-- twice, a value of another kind. `at` is the pointer of the array; empty if its one element is the request itself.
create function enginehouse.shape_errors(objects json[], at text)
returns table (place bigint, error text)
language sql stable as $$
with recursive known (path, kind, is_optional, lowest, highest) as (
    values
        ('', 'an object', false, null::float8, null::float8),
        ('/event_type', 'a string', false, null, null),
        ('/payload', '', true, null, null),
        ('/queue', 'a string', true, null, null),
        ('/priority', 'a whole number', true, 0, 9),
        ('/run_at', 'a string', true, null, null),
        ('/delay_seconds', 'a number', true, 0, 31622400),
        ('/required_capabilities', 'an array', false, null, null),
        ('/required_capabilities/*', 'a string', false, null, null),
        ('/required_memory_mb', 'a whole number', true, 1, 1073741824),
        ('/engine_version', 'a string', true, null, null),
        ('/scenario_run_id', 'a string', true, null, null),
        ('/idempotency_key', 'a string', true, null, null),
        ('/idempotency_window_seconds', 'a whole number', true, 1, 31622400),
        ('/retry_policy', 'an object', true, null, null),
        ('/retry_policy/max_retries', 'a whole number', true, 0, 1000),
        ('/retry_policy/retry_delay', 'an object', true, null, null),
        ('/retry_policy/retry_delay/initial', 'a number', true, 0, 2592000),
        ('/retry_policy/retry_delay/max', 'a number', true, 0, 2592000),
        ('/retry_policy/retry_delay/multiplier', 'a number', true, 1, 1000),
        ('/retry_policy/retry_delay/jitter', 'a number', true, 0, 1),
        ('/retry_policy/dead_letter_threshold', 'a whole number', true, 1, 1000),
        ('/retry_policy/max_losses', 'a whole number', true, 0, 1000),
        ('/retry_policy/retry_elsewhere', 'prefer, require or off', true, null, null),
        ('/visibility_timeout_seconds', 'a whole number', true, 1, 604800),
        ('/max_processing_seconds', 'a whole number', true, 1, 2592000),
        ('/progress_timeout_seconds', 'a whole number', true, 1, 2592000),
        ('/expires_after_seconds', 'a whole number', true, 1, 31622400),
        ('/labels', 'an object', false, null, null),
        ('/labels/*', 'a string', false, null, null),
        ('/traceparent', 'a string', true, null, null)
),
given (place, pointer, path, value, times) as (
    select number - 1, case at when '' then '' else at || '/' || number - 1 end, '', object, 1::bigint
    from unnest(objects) with ordinality as element (object, number)
    union all
    select
        given.place,
        given.pointer || child.step,
        given.path || case when given.path in ('/required_capabilities', '/labels') then '/*' else child.step end,
        child.value,
        child.times
    from given
    join known on known.path = given.path and known.kind = 'an ' || json_typeof(given.value)
    cross join lateral (
        select enginehouse.pointer_step(key) as step, value, count(*) over (partition by key) as times
        from json_each(case known.kind when 'an object' then given.value end)
        union all
        select '/' || number - 1, value, 1
        from json_array_elements(case known.kind when 'an array' then given.value end) with ordinality as e (value, number)
    ) as child
)
select distinct given.place, given.pointer || ': ' || wrong.detail
from given
left join known on known.path = given.path
cross join lateral (
    select case
        when known.path is null then (
            select 'unknown, must be ' || regexp_replace(string_agg(split_part(k.path, '/', -1), ', '), ', (\w+)$', ' or \1')
            from known as k
            where k.path ~ ('^' || regexp_replace(given.path, '/[^/]*$', '') || '/[^/]*$')
        )
        when given.times > 1 then 'given twice'
        when known.kind = '' or json_typeof(given.value) = 'null' and known.is_optional then null
        when
            case known.path
                when '/retry_policy/retry_elsewhere'
                    then json_typeof(given.value) <> 'string' or given.value #>> '{}' not in ('prefer', 'require', 'off')
                else known.kind not like '%' || json_typeof(given.value)
            end
            or known.kind = 'a whole number' and given.value::text !~ '^(0|-?[1-9][0-9]*)(\.0+)?$'
            or case
                when known.lowest is not null
                    then enginehouse.read_number(given.value::text) not between known.lowest and known.highest
            end
            then enginehouse.must_be(
                known.kind || coalesce(' between ' || known.lowest || ' and ' || known.highest, ''), given.value
            )
        when known.path = '/run_at'
            then enginehouse.time_error(enginehouse.read_time(given.value #>> '{}'), given.value)
    end as detail
) as wrong
where wrong.detail is not null
$$;

-- statement
-- What is wrong with the values of a draft at `pointer`.
create function enginehouse.draft_errors(d enginehouse.event_draft, pointer text) returns text[]
language plpgsql stable as $$
declare
    -- What is joined to null is null: most of these are.
    errors text[] := array[
        pointer || '/event_type: '
            || case when d.event_type is null then 'required, but missing' else enginehouse.name_error(d.event_type) end,
        pointer || '/queue: ' || enginehouse.name_error(d.queue),
        pointer || '/priority: ' || enginehouse.range_error(d.priority, 'a whole number', 0, 9),
        pointer || '/run_at: ' || enginehouse.time_error(d.run_at, to_json(d.run_at)),
        pointer || '/delay_seconds: ' || enginehouse.range_error(d.delay_seconds, 'a number', 0, 31622400),
        case
            when cardinality(d.required_capabilities) > 64
                then pointer || '/required_capabilities: must be an array of at most 64, was an array of '
                    || cardinality(d.required_capabilities)
        end,
        pointer || '/required_memory_mb: '
            || enginehouse.range_error(d.required_memory_mb, 'a whole number', 1, 1073741824),
        case
            when not enginehouse.is_version_range(d.engine_version)
                then pointer || '/engine_version: ' || enginehouse.must_be(
                    'a range of semantic versions such as ">=1.4, <2", of at most 128 characters', to_json(d.engine_version)
                )
        end,
        pointer || '/scenario_run_id: ' || enginehouse.name_error(d.scenario_run_id),
        pointer || '/idempotency_key: ' || enginehouse.line_error(d.idempotency_key, 1),
        pointer || '/idempotency_window_seconds: ' || coalesce(
            enginehouse.range_error(d.idempotency_window_seconds, 'a whole number', 1, 31622400),
            case
                when d.idempotency_window_seconds is not null and d.idempotency_key is null then 'needs an idempotency_key'
            end
        ),
        (
            select pointer || '/retry_policy/retry_delay/initial: must be at most max, which is ' || highest || ', was ' || first
            from (
                select
                    enginehouse.read_number(d.retry_policy #>> '{retry_delay,initial}') as first,
                    enginehouse.read_number(d.retry_policy #>> '{retry_delay,max}') as highest
                where json_typeof(d.retry_policy #> '{retry_delay,initial}') = 'number'
                    and json_typeof(d.retry_policy #> '{retry_delay,max}') = 'number'
            ) as delay
            where highest < first and first between 0 and 2592000 and highest between 0 and 2592000
        ),
        pointer || '/visibility_timeout_seconds: '
            || enginehouse.range_error(d.visibility_timeout_seconds, 'a whole number', 1, 604800),
        pointer || '/max_processing_seconds: '
            || enginehouse.range_error(d.max_processing_seconds, 'a whole number', 1, 2592000),
        pointer || '/progress_timeout_seconds: '
            || enginehouse.range_error(d.progress_timeout_seconds, 'a whole number', 1, 2592000),
        pointer || '/expires_after_seconds: '
            || enginehouse.range_error(d.expires_after_seconds, 'a whole number', 1, 31622400),
        case
            when d.traceparent !~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
                then pointer || '/traceparent: ' || enginehouse.must_be(
                    'a W3C traceparent, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, whose ids are not '
                    'all zeros',
                    to_json(d.traceparent)
                )
        end,
        pointer || '/payload: ' || case
            when octet_length(d.payload::text) > 262144 then 'at most 262144 bytes, was ' || octet_length(d.payload::text)
            -- No text of a database has the character zero: any other one stands for it here.
            else enginehouse.payload_error(replace(d.payload::text, '\u0000', '\u008F')::json, 1)
        end
    ];
begin
    if d.delay_seconds between 0 and 31622400 and enginehouse.time_error(d.run_at, '0') is null and d.run_at is not null then
        errors := errors || (pointer || '/delay_seconds: give run_at or delay_seconds, not both');
    end if;
    if cardinality(d.required_capabilities) > 0 then
        errors := errors || array(
            select pointer || '/required_capabilities/' || number - 1 || ': ' || enginehouse.name_error(coalesce(name, ''))
            from unnest(d.required_capabilities) with ordinality as capability (name, number)
        );
    end if;
    if json_typeof(d.labels) = 'object' and d.labels::text <> '{}' then
        errors := errors || array(
            select pointer || '/labels: must have at most 32 labels, was ' || count(*)
            from json_object_keys(d.labels) having count(*) > 32
            union all
            select pointer || '/labels' || enginehouse.pointer_step(key) || ': '
                || coalesce('the key ' || enginehouse.name_error(key), enginehouse.line_error(value, 0))
            from json_each_text(d.labels)
        );
    end if;
    return errors;
end
$$;

-- statement
-- A delay in whole milliseconds: to the nearest nanosecond, and then up, for nothing may come earlier than was asked.
create function enginehouse.delay_ms(seconds float8) returns bigint
language sql immutable
return floor(seconds)::bigint * 1000 + ceil(round((seconds - floor(seconds)) * 1e9) / 1e6)::bigint;

-- statement
-- When an event that is added at `moment` may first be claimed.
create function enginehouse.available_at(run_at timestamptz, delay_seconds float8, moment timestamptz) returns timestamptz
language sql stable
return least(
    greatest(run_at, moment + coalesce(enginehouse.delay_ms(delay_seconds), 0) * interval '1 millisecond'),
    timestamptz '9999-12-30 22:00:00+00'
);

-- statement
-- A set of capabilities as the text that stands for it, and labels as theirs: sorted, and without spaces.
create function enginehouse.capability_text(names text[]) returns text
language plpgsql immutable as $$
begin
    return (
        select '[' || coalesce(string_agg(to_json(name)::text, ',' order by name collate "C"), '') || ']'
        from (select distinct unnest(names) as name) as capability
    );
end
$$;

-- statement
create function enginehouse.label_text(labels json) returns text
language plpgsql immutable as $$
begin
    return (
        select '{' || coalesce(string_agg(to_json(key) || ':' || to_json(value), ',' order by key collate "C"), '') || '}'
        from json_each_text(labels)
    );
end
$$;

-- statement
-- One text for all JSON texts that say the same, as core's `canonical_json` describes it. It asks itself for what is not
-- written in one way only, containers and strings with escapes.
create function enginehouse.canonical_json(value json) returns text
language plpgsql immutable strict as $$
#variable_conflict use_variable
begin
    return case json_typeof(value)
        when 'object' then (
            select '{' || coalesce(string_agg(
                to_json(field.key) || ':' || case
                    when field.value::text ~ '^[{[]' or strpos(field.value::text, '\') > 0
                        then enginehouse.canonical_json(field.value)
                    else field.value::text
                end,
                ',' order by field.key collate "C"
            ), '') || '}'
            from json_each(value) as field
        )
        when 'array' then (
            select '[' || coalesce(string_agg(
                case
                    when element.value::text ~ '^[{[]' or strpos(element.value::text, '\') > 0
                        then enginehouse.canonical_json(element.value)
                    else element.value::text
                end,
                ',' order by element.number
            ), '') || ']'
            from json_array_elements(value) with ordinality as element (value, number)
        )
        when 'string' then to_json(value #>> '{}')::text
        else btrim(value::text, E' \t\n\r')
    end;
end
$$;

-- statement
-- The same of a payload. No text of a database has the character zero: U+FFFF stands for it meanwhile.
create function enginehouse.payload_text(payload json) returns text
language plpgsql immutable as $$
begin
    return replace(
        enginehouse.canonical_json(case
            when strpos(payload::text, '\u0000') = 0 then payload
            else regexp_replace(payload::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\uFFFF', 'g')::json
        end),
        chr(65535), '\u0000'
    );
end
$$;

-- statement
-- What tells a request from another one with the same idempotency key: the bytes that a server computes, as core's
-- `fingerprint` describes them. Each field is its length, a colon and its text.
create function enginehouse.fingerprint(d enginehouse.event_draft) returns bytea
language plpgsql immutable as $$
begin
    return (
        select substr(sha256(convert_to(
            string_agg(coalesce(octet_length(field) || ':' || field, '-'), '' order by place), 'UTF8'
        )), 1, 16)
        from unnest(array[
            d.queue, d.event_type, d.priority::text, enginehouse.capability_text(d.required_capabilities),
            d.required_memory_mb::text, d.engine_version,
            case
                when d.delay_seconds is not null then 'after ' || enginehouse.delay_ms(d.delay_seconds)
                when d.run_at is not null then 'at ' || (extract(epoch from d.run_at) * 1000)::bigint
                else 'now'
            end,
            d.scenario_run_id,
            enginehouse.read_whole_number(d.retry_policy ->> 'max_retries')::text,
            encode(float8send(enginehouse.read_number(d.retry_policy #>> '{retry_delay,initial}')), 'hex'),
            encode(float8send(enginehouse.read_number(d.retry_policy #>> '{retry_delay,max}')), 'hex'),
            encode(float8send(enginehouse.read_number(d.retry_policy #>> '{retry_delay,multiplier}')), 'hex'),
            encode(float8send(enginehouse.read_number(d.retry_policy #>> '{retry_delay,jitter}')), 'hex'),
            enginehouse.read_whole_number(d.retry_policy ->> 'dead_letter_threshold')::text,
            enginehouse.read_whole_number(d.retry_policy ->> 'max_losses')::text,
            d.retry_policy ->> 'retry_elsewhere',
            d.visibility_timeout_seconds::text, d.max_processing_seconds::text, d.progress_timeout_seconds::text, d.expires_after_seconds::text,
            d.idempotency_window_seconds::text,
            enginehouse.label_text(d.labels), enginehouse.payload_text(d.payload)
        ]) with ordinality as f (field, place)
    );
end
$$;

-- statement
-- Adds drafts in the caller's transaction, all or none of them. `objects` is what of each is JSON, and was not read as
-- a type; `at` is the pointer of the array, empty if its one element is the request itself.
create function enginehouse.add_events(drafts enginehouse.event_draft[], objects json[], at text)
returns table (place bigint, event_id uuid, duplicate boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    refused text;
    refused_queue text;
    refused_type text;
    capabilities text[];
    fingerprints bytea[];
    lane_ids bigint[];
    new_ids uuid[];
    event_ids uuid[];
    added uuid[] := '{}';
    duplicates bigint := 0;
    conflicts bigint[];
    owners text;
    clock timestamptz := clock_timestamp();
    moment timestamptz;
    has_old_view boolean := current_setting('transaction_isolation') in ('repeatable read', 'serializable');
    all_found boolean;
begin
    with shape as materialized (
        select place, error, split_part(error, ': ', 1) || '/' as pointer from enginehouse.shape_errors(objects, at)
    ),
    wrong as (
        select place, error from shape
        union all
        -- What has the wrong shape has no value that could be right or wrong.
        select d.place, e.error
        from (select unnest(drafts) as draft, generate_series(0, cardinality(drafts) - 1) as place) as d
        cross join unnest(
            enginehouse.draft_errors(draft, case at when '' then '' else at || '/' || d.place end)
        ) as e (error)
        where
            e.error is not null
            and not exists (
                select from shape where shape.place = d.place and split_part(e.error, ': ', 1) || '/' ^@ shape.pointer
            )
    )
    select string_agg(error, '; ' order by place, error collate "C") filter (where nth <= 100)
        || case when max(nth) > 100 then '; and so on: ' || max(nth) || ' events are refused' else '' end
    into refused
    from (select *, dense_rank() over (order by place) as nth from wrong) as numbered;
    if refused is not null then
        raise exception using errcode = '22023', message = refused;
    end if;

    -- Who has connected, whatever role they have taken since. In here, the current user is the owner, who may do what they
    -- like anyway, and so may a superuser.
    if not pg_has_role(session_user, current_user, 'usage') then
        select d.queue, d.event_type
        into refused_queue, refused_type
        from unnest(drafts) as d
        where not exists (
            select
            from enginehouse.enqueue_grants as g
            join pg_roles as r on r.rolname = g.role_name
            where
                pg_has_role(session_user, r.oid, 'usage')
                and enginehouse.is_granted(g.queue, d.queue) and enginehouse.is_granted(g.event_type, d.event_type)
        )
        limit 1;
        if found then
            raise exception using
                errcode = '42501',
                message = format(
                    'database role %s may not enqueue events of type %s in queue %s', session_user, refused_type, refused_queue
                ),
                -- The word is not the schema here.
                hint = format(
                    'whoever looks after the store runs: ' || 'engine' || 'house sql grant %s --queue %s --event-type %s --store URL',
                    session_user, refused_queue, refused_type
                );
        end if;
    end if;

    select
        array_agg(enginehouse.capability_text((draft).required_capabilities)),
        array_agg(case when (draft).idempotency_key is not null then enginehouse.fingerprint(draft) end)
    into capabilities, fingerprints
    from (select unnest(drafts) as draft) as d;

    -- A lane that is retired from here on is not forgotten before this transaction ends: whoever forgets waits for
    -- all that had begun to write.
    perform pg_current_xact_id();

    loop
        -- Of two with the same requirements, which only a transaction with an old view can see, the one made last.
        select array_agg(lane.lane_id order by d.ordinality), bool_and(lane.lane_id is not null and not lane.retired)
        into lane_ids, all_found
        from unnest(drafts) with ordinality as d
        left join lateral (
            select l.lane_id, l.retired
            from enginehouse.lanes as l
            where
                l.queue = d.queue and l.event_type = d.event_type and l.priority = d.priority::integer
                and l.required_capabilities = capabilities[d.ordinality]
                and coalesce(l.required_memory_mb, 0) = coalesce(d.required_memory_mb, 0)::bigint
                and coalesce(l.engine_version, '') = coalesce(d.engine_version, '')
                and l.suspended_run is null
            order by l.lane_id desc
            limit 1
        ) as lane on true;
        exit when all_found and not has_old_view;

        -- In the words of a server, which keeps here how many there may be.
        select format(
            'max_lanes is %s, and the events of this request would need more lanes than that: '
            'among those that there are, %s varies most, with %s values',
            m.most, v.field, v.count
        )
        into refused
        from (
            select coalesce((select value from enginehouse.meta where key = 'max_lanes'), 10000) as most
        ) as m
        cross join (
            select
                count(*) as lanes, count(distinct event_type) as event_types, count(distinct queue) as queues,
                count(distinct priority) as priorities,
                count(distinct row(required_capabilities, required_memory_mb, engine_version)) as requirements
            from enginehouse.lanes
            where not retired
        ) as l
        cross join lateral (
            select f.field, f.count
            from (
                values
                    (1, 'event_type', l.event_types), (2, 'queue', l.queues), (3, 'priority', l.priorities),
                    (4, 'requirements', l.requirements)
            ) as f (place, field, count)
            order by f.count desc, f.place
            limit 1
        ) as v
        where l.lanes + (
            select count(distinct row(
                d.queue, d.event_type, d.priority, capabilities[d.ordinality], d.required_memory_mb, d.engine_version
            ))
            from unnest(drafts) with ordinality as d
            where lane_ids[d.ordinality] is null
        ) > m.most and exists (select from unnest(lane_ids) as i (lane_id) where i.lane_id is null);
        if refused is not null then
            raise exception using errcode = '53400', message = refused;
        end if;

        -- Those that are missing, in one order for everybody. A transaction that does not see what others have
        -- committed since it began takes none for granted: one that was changed is a failure to serialize here, and
        -- one that was forgotten is made again.
        insert into enginehouse.lanes (
            queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
        )
        select d.queue, d.event_type, d.priority, capabilities[d.ordinality], d.required_memory_mb, d.engine_version
        from unnest(drafts) with ordinality as d
        where has_old_view or lane_ids[d.ordinality] is null
        group by 1, 2, 3, 4, 5, 6
        order by 1, 2, 3, 4, 5, 6
        on conflict do nothing;

        -- Servers look at what was changed: so they see again a lane that was out of use. It may be forgotten
        -- meanwhile.
        update enginehouse.lanes as l
        set retired = false, prunable_by = null, changed_by = pg_current_xact_id()
        where l.lane_id in (
            select r.lane_id
            from enginehouse.lanes as r
            where r.lane_id = any (lane_ids) and r.retired
            order by r.lane_id
            for no key update
        );
        has_old_view := false;
    end loop;

    -- Never earlier than a server has been.
    select greatest(date_trunc('milliseconds', clock), timestamptz 'epoch' + m.value * interval '1 millisecond')
    into moment
    from enginehouse.meta as m
    where m.key = 'last_time';

    -- UUIDs of version 7: milliseconds, a counter of 32 bits, 42 random bits. The counter begins with the
    -- microseconds of the clock, so that ids rise from call to call too.
    select array_agg(
        (
            lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0')
            || '7' || lpad(to_hex(count >> 20), 3, '0') || to_hex((1::bigint << 63) | ((count & 1048575) << 42) | random)
        )::uuid
        order by count
    )
    into new_ids
    from (
        select
            ((extract(microseconds from clock)::bigint % 1000) << 22) + d.ordinality as count,
            ('x' || right(gen_random_uuid()::text, 12))::bit(42)::bigint as random
        from unnest(drafts) with ordinality as d
    ) as counted;

    -- Every draft is added, or its key has an event already. If neither is so, that event was deleted meanwhile: once more.
    while cardinality(added) + duplicates < cardinality(drafts) loop
        -- A key whose window is over is taken from its event. Of several who do so at once, the others wait here, and
        -- then find the key with the first one's event.
        if exists (select from unnest(drafts) as d where d.idempotency_key is not null) then
            update enginehouse.events as e
            set idempotency_key = null, fingerprint = null, idempotency_key_expires_at = null
            where e.event_id in (
                select old.event_id
                from unnest(drafts) as d
                join enginehouse.events as old on old.idempotency_key = d.idempotency_key
                where old.idempotency_key_expires_at <= moment
                order by old.event_id
                for no key update of old
            );
        end if;

        -- Whoever has added an event with one of the keys and has not committed yet is waited for.
        with inserted as (
            insert into enginehouse.events (
                event_id, lane_id, enqueued_at, available_at, scenario_run_id, idempotency_key,
                idempotency_key_expires_at, fingerprint, retry_policy, visibility_timeout_ms, max_processing_ms,
                expires_at, progress_timeout_ms,
                labels, traceparent
            )
            select
                new_ids[d.ordinality],
                lane_ids[d.ordinality],
                moment,
                enginehouse.available_at(d.run_at, d.delay_seconds, moment),
                d.scenario_run_id,
                d.idempotency_key,
                case
                    when d.idempotency_window_seconds is not null then least(
                        moment + d.idempotency_window_seconds::bigint * interval '1 second',
                        timestamptz '9999-12-30 22:00:00+00'
                    )
                end,
                fingerprints[d.ordinality],
                -- Its whole numbers are written as such, as servers read them.
                json_strip_nulls(regexp_replace(d.retry_policy::text, '(:\s*[0-9]+)\.0+(?=\s*[,}])', '\1', 'g')::json),
                d.visibility_timeout_seconds * 1000,
                d.max_processing_seconds * 1000,
                case
                    when d.expires_after_seconds is not null then least(
                        enginehouse.available_at(d.run_at, d.delay_seconds, moment)
                            + d.expires_after_seconds::bigint * interval '1 second',
                        timestamptz '9999-12-30 22:00:00+00'
                    )
                end,
                d.progress_timeout_seconds * 1000,
                nullif(enginehouse.label_text(d.labels), '{}')::json,
                d.traceparent
            from unnest(drafts) with ordinality as d
            where d.idempotency_key is not null or cardinality(added) = 0
            order by d.idempotency_key, d.ordinality
            on conflict (idempotency_key) where idempotency_key is not null do nothing
            returning event_id
        )
        select added || array_agg(event_id) into added from inserted;

        -- What was there is locked against being deleted, as a server locks it: the answer that names it stays true. So
        -- this transaction has written, and its commit waits for the disk and the standbys as that of the event did.
        with there as (
            select d.ordinality, e.event_id, e.fingerprint
            from unnest(drafts) with ordinality as d
            join enginehouse.events as e on e.idempotency_key = d.idempotency_key
            where
                e.event_id <> new_ids[d.ordinality]
                -- One that was added meanwhile and whose window is over already has its turn above.
                and (e.idempotency_key_expires_at is null or e.idempotency_key_expires_at > moment)
            for key share of e
        )
        select
            count(there.event_id),
            array_agg(coalesce(there.event_id, new_ids[d.ordinality]) order by d.ordinality),
            array_agg(d.ordinality order by d.ordinality) filter (where there.fingerprint <> fingerprints[d.ordinality])
        into duplicates, event_ids, conflicts
        from unnest(drafts) with ordinality as d
        left join there on there.ordinality = d.ordinality;
    end loop;

    if conflicts is not null then
        select
            string_agg(
                format(
                    '%s/idempotency_key: another request has added event %s with the key %s',
                    case at when '' then '' else at || '/' || conflict - 1 end,
                    event_ids[conflict],
                    to_json(drafts[conflict].idempotency_key)
                ),
                '; ' order by conflict
            ) || case
                when cardinality(conflicts) > 100 then format('; and so on: %s keys are taken', cardinality(conflicts))
                else ''
            end,
            string_agg(event_ids[conflict]::text, ', ' order by conflict)
        into refused, owners
        from unnest(conflicts[:100]) as conflict;
        raise exception using
            errcode = '23I01',
            message = refused,
            detail = owners,
            table = 'events',
            constraint = 'events_idempotency_key';
    end if;

    -- The checksum is that of the text as it is kept: the first eight bytes of its SHA-256.
    insert into enginehouse.event_payloads (event_id, payload, checksum)
    select
        event_ids[d.ordinality], d.payload,
        ('x' || left(encode(sha256(convert_to(d.payload::text, 'UTF8')), 'hex'), 16))::bit(64)::bigint
    from unnest(drafts) with ordinality as d
    where event_ids[d.ordinality] = new_ids[d.ordinality]
    order by d.ordinality;

    insert into enginehouse.lane_changes (lane_id, scenario_run_id, queued, first_available_at, first_enqueued_at)
    select
        lane_ids[d.ordinality], d.scenario_run_id, count(*),
        min(enginehouse.available_at(d.run_at, d.delay_seconds, moment)), moment
    from unnest(drafts) with ordinality as d
    where event_ids[d.ordinality] = new_ids[d.ordinality]
    group by 1, 2;

    return query
    select d.ordinality - 1, event_ids[d.ordinality], event_ids[d.ordinality] <> new_ids[d.ordinality]
    from unnest(drafts) with ordinality as d
    order by d.ordinality;
end
$$;

-- statement
-- Adds one event in the caller's transaction: visible when that commits, gone when it does not. Answers with its id;
-- with an idempotency key, that of the event which has the key already, if it was the same request. Null is what is not
-- given.
--
-- What is wrong is an exception with code 22023 that names every bad field; a key of another request, one with 23I01.
create function enginehouse.enqueue(
    event_type text,
    payload json default '{}',
    queue text default 'default',
    priority integer default 5,
    run_at timestamptz default null,
    delay_seconds float8 default null,
    required_capabilities text[] default '{}',
    required_memory_mb bigint default null,
    engine_version text default null,
    scenario_run_id text default null,
    idempotency_key text default null,
    idempotency_window_seconds bigint default null,
    retry_policy json default null,
    visibility_timeout_seconds bigint default null,
    max_processing_seconds bigint default null,
    progress_timeout_seconds bigint default null,
    expires_after_seconds bigint default null,
    labels json default '{}',
    traceparent text default null
) returns uuid
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set jit = off
as $$
begin
    return (
        select added.event_id
        from enginehouse.add_events(
            array[row(
                event_type, coalesce(btrim(payload::text, E' \t\n\r')::json, '{}'), coalesce(queue, 'default'),
                coalesce(priority, 5), date_trunc('milliseconds', run_at), delay_seconds,
                coalesce(required_capabilities, '{}'), required_memory_mb,
                engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy,
                visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds,
                expires_after_seconds, coalesce(labels, '{}'), traceparent
            )::enginehouse.event_draft],
            array[json_build_object('retry_policy', retry_policy, 'labels', coalesce(labels, '{}'))],
            ''
        ) as added
    );
end
$$;

-- statement
-- The same for a payload of type jsonb, which is kept as PostgreSQL writes it.
create function enginehouse.enqueue(
    event_type text, payload jsonb, queue text default 'default', priority integer default 5,
    run_at timestamptz default null, delay_seconds float8 default null, required_capabilities text[] default '{}',
    required_memory_mb bigint default null, engine_version text default null, scenario_run_id text default null,
    idempotency_key text default null, idempotency_window_seconds bigint default null,
    retry_policy json default null, visibility_timeout_seconds bigint default null,
    max_processing_seconds bigint default null, progress_timeout_seconds bigint default null,
    expires_after_seconds bigint default null, labels json default '{}', traceparent text default null
) returns uuid
language sql volatile
return enginehouse.enqueue(
    event_type, payload::json, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb,
    engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy,
    visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels,
    traceparent
);

-- statement
-- The same for a payload without a type, a literal or a driver's string, which could be either of the two: PostgreSQL
-- takes what accepts text.
create function enginehouse.enqueue(
    event_type text, payload text, queue text default 'default', priority integer default 5,
    run_at timestamptz default null, delay_seconds float8 default null, required_capabilities text[] default '{}',
    required_memory_mb bigint default null, engine_version text default null, scenario_run_id text default null,
    idempotency_key text default null, idempotency_window_seconds bigint default null,
    retry_policy json default null, visibility_timeout_seconds bigint default null,
    max_processing_seconds bigint default null, progress_timeout_seconds bigint default null,
    expires_after_seconds bigint default null, labels json default '{}', traceparent text default null
) returns uuid
language sql volatile
return enginehouse.enqueue(
    event_type, payload::json, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb,
    engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy,
    visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels,
    traceparent
);

-- statement
-- Adds up to 10,000 events in the caller's transaction, all or none: a JSON array of the objects that the HTTP API
-- takes. Answers in their order, counted from 0; a duplicate is an event that was there before, by its idempotency
-- key.
--
-- One JSON text is what any driver can send, and any language build, with as few fields as each event has. Arrays, one for
-- each of sixteen fields, would need types that drivers do not agree on, and none of them can hold the lists of
-- capabilities, which differ in length.
create function enginehouse.enqueue_many(events json)
returns table (place bigint, event_id uuid, duplicate boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set jit = off
as $$
declare
    has_zero boolean := strpos(events::text, '\u0000') > 0;
    refused text := case
        when octet_length(events::text) > 67108864
            then '/events: at most 67108864 bytes, was ' || octet_length(events::text)
        when events is null then '/events: required, but missing'
        when json_typeof(events) <> 'array' then '/events: ' || enginehouse.must_be('an array of 1 to 10000', events)
        when json_array_length(events) not between 1 and 10000
            then '/events: must be an array of 1 to 10000, was an array of ' || json_array_length(events)
        when has_zero and strpos(events::text, '\u008F') > 0 then '/events: \u0000 and \u008F cannot both be read'
    end;
    objects json[];
    drafts enginehouse.event_draft[];
begin
    if refused is not null then
        raise exception using errcode = '22023', message = refused;
    end if;
    -- No text of a database has the character zero. A payload may: so another control character, which is refused
    -- everywhere else, stands for it until the payload is cut out. Two backslashes are no escape.
    objects := array(
        select value
        from json_array_elements(
            case
                when has_zero
                    then regexp_replace(events::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\u008F', 'g')::json
                else events
            end
        ) as value
    );
    drafts := array(
        select row(
            f.event_type,
            coalesce(
                case
                    when has_zero then replace((object -> 'payload')::text, '\u008F', '\u0000')::json
                    else object -> 'payload'
                end,
                '{}'
            ),
            coalesce(f.queue, 'default'),
            coalesce(enginehouse.read_whole_number(f.priority), 5),
            enginehouse.read_time(f.run_at),
            enginehouse.read_number(f.delay_seconds),
            array(select json_array_elements_text(
                case json_typeof(f.required_capabilities) when 'array' then f.required_capabilities end
            )),
            enginehouse.read_whole_number(f.required_memory_mb),
            f.engine_version,
            f.scenario_run_id,
            f.idempotency_key,
            enginehouse.read_whole_number(f.idempotency_window_seconds),
            f.retry_policy,
            enginehouse.read_whole_number(f.visibility_timeout_seconds),
            enginehouse.read_whole_number(f.max_processing_seconds),
            enginehouse.read_whole_number(f.progress_timeout_seconds),
            enginehouse.read_whole_number(f.expires_after_seconds),
            coalesce(f.labels, '{}'),
            f.traceparent
        )::enginehouse.event_draft
        from unnest(objects) with ordinality as element (object, number)
        cross join lateral json_to_record(case json_typeof(object) when 'object' then object else '{}' end) as f (
            event_type text, queue text, priority text, run_at text, delay_seconds text, required_capabilities json,
            required_memory_mb text, engine_version text, scenario_run_id text, idempotency_key text,
            idempotency_window_seconds text, retry_policy json, visibility_timeout_seconds text,
            max_processing_seconds text, progress_timeout_seconds text, expires_after_seconds text, labels json,
            traceparent text
        )
        order by number
    );
    return query select * from enginehouse.add_events(drafts, objects, '/events');
end
$$;

-- statement
-- Tells servers to look for new events now, rather than within a second. For after the commit: a transaction that writes
-- and notifies takes a lock, as it commits, that all of these in the whole cluster share.
--
-- Servers listen to the channel of their schema. Its prefix is written in two parts, for the whole word is the schema;
-- what is too long for a channel is cut as a name is, which is what listen does.
create function enginehouse.wake() returns void
language sql volatile
set search_path = enginehouse, pg_temp
return pg_notify(('engine' || 'house:' || current_schema())::name::text, '');

-- statement
revoke execute on all functions in schema enginehouse from public;

-- statement
-- But for the rules of tables, which everybody needs who writes to one.
grant execute on function enginehouse.is_name, enginehouse.is_one_line, enginehouse.is_version_range to public;

-- statement
insert into enginehouse.schema_version (version, name, oldest_compatible) values (2, 'enqueue_in_sql', 1);
