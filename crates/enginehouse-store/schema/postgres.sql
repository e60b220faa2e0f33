-- What the migrations add up to. Written by the test `the_schema_file_is_fresh`.

create table enginehouse.attempts (
    event_id uuid not null,
    lock_serial bigint not null,
    attempt bigint not null,
    engine_id text collate "C" not null,
    outcome text collate "C" not null,
    claimed_at timestamp with time zone not null,
    ended_at timestamp with time zone not null,
    error_code text collate "C",
    error_message text collate "C" not null,
    error_details json,
    constraint attempts_key PRIMARY KEY (event_id, lock_serial),
    constraint outcome_is_known CHECK (outcome = ANY (ARRAY['failed'::text, 'timed_out'::text, 'lost'::text]))
);

create table enginehouse.audit_log (
    audit_id bigint not null generated always as identity,
    at timestamp with time zone not null,
    action text collate "C" not null,
    target text collate "C" not null,
    detail json not null,
    constraint audit_log_key PRIMARY KEY (audit_id)
);

CREATE INDEX audit_log_at ON enginehouse.audit_log USING btree (at);

CREATE INDEX audit_log_target ON enginehouse.audit_log USING btree (target, audit_id);

create table enginehouse.dead_letters (
    event_id uuid not null,
    event_type text collate "C" not null,
    queue text collate "C" not null,
    reason text collate "C" not null,
    dead_lettered_at timestamp with time zone not null,
    error_code text collate "C",
    error_group text collate "C" not null,
    constraint dead_letters_key PRIMARY KEY (event_id),
    constraint reason_is_known CHECK (reason = ANY (ARRAY['retries_exhausted'::text, 'rejected'::text, 'requested'::text, 'lost_too_often'::text]))
);

CREATE INDEX dead_letters_groups ON enginehouse.dead_letters USING btree (event_type, reason, error_code, error_group, dead_lettered_at, event_id);

create table enginehouse.engines (
    engine_id text collate "C" not null,
    engine_type text collate "C" not null,
    epoch bigint not null,
    status text collate "C" not null,
    heartbeat_interval_ms bigint not null,
    registered_at timestamp with time zone not null,
    last_heartbeat_at timestamp with time zone not null,
    lost_due_at timestamp with time zone,
    draining boolean not null,
    stop_when_drained boolean not null,
    metadata json not null,
    constraint engines_key PRIMARY KEY (engine_id),
    constraint an_epoch_counts_from_one CHECK (epoch >= 1),
    constraint status_is_known CHECK (status = ANY (ARRAY['active'::text, 'draining'::text, 'lost'::text, 'stopped'::text]))
) with (autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=500, fillfactor=50);

create table enginehouse.event_payloads (
    event_id uuid not null,
    payload json not null,
    constraint event_payloads_key PRIMARY KEY (event_id)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=2000);

create table enginehouse.event_types (
    event_type text collate "C" not null,
    retry_policy json,
    visibility_timeout_seconds bigint,
    max_processing_seconds bigint,
    paused boolean not null,
    constraint event_types_key PRIMARY KEY (event_type)
);

create table enginehouse.events (
    event_id uuid not null,
    lane_id bigint not null,
    lock_serial bigint not null default 0,
    enqueued_at timestamp with time zone not null,
    available_at timestamp with time zone not null,
    claimed_at timestamp with time zone,
    finished_at timestamp with time zone,
    lock_expires_at timestamp with time zone,
    lock_engine_epoch bigint,
    lock_visibility_timeout_ms bigint,
    lock_max_processing_ms bigint,
    lock_given_by xid8,
    visibility_timeout_ms bigint,
    max_processing_ms bigint,
    attempt bigint not null default 0,
    retries bigint not null default 0,
    failures bigint not null default 0,
    losses bigint not null default 0,
    redrives bigint not null default 0,
    lock_unlisted_heartbeats smallint,
    cancel_requested boolean not null default false,
    status text collate "C" not null default 'queued'::text,
    engine_id text collate "C",
    lock_holder text collate "C",
    lock_secret bytea,
    settled_by text collate "C",
    dead_letter_reason text collate "C",
    scenario_run_id text collate "C",
    idempotency_key text collate "C",
    fingerprint bytea,
    retry_policy json,
    labels json,
    last_error_code text collate "C",
    last_error_message text collate "C",
    last_error_details json,
    result json,
    constraint events_key PRIMARY KEY (event_id),
    constraint a_dead_letter_has_failed CHECK (dead_letter_reason IS NULL OR status = 'failed'::text),
    constraint a_key_has_a_fingerprint CHECK (
CASE
    WHEN idempotency_key IS NULL THEN fingerprint IS NULL
    ELSE COALESCE(length(fingerprint), 0) = 16
END),
    constraint a_lock_is_whole CHECK (
CASE
    WHEN lock_holder IS NULL THEN lock_engine_epoch IS NULL AND lock_expires_at IS NULL AND lock_visibility_timeout_ms IS NULL AND lock_max_processing_ms IS NULL AND lock_unlisted_heartbeats IS NULL AND lock_given_by IS NULL
    ELSE engine_id IS NOT NULL AND lock_holder = ('processing_by_'::text || engine_id) AND claimed_at IS NOT NULL AND lock_secret IS NOT NULL AND lock_engine_epoch IS NOT NULL AND lock_expires_at IS NOT NULL AND lock_visibility_timeout_ms IS NOT NULL AND lock_unlisted_heartbeats IS NOT NULL AND lock_given_by IS NOT NULL
END),
    constraint a_secret_is_of_a_lock CHECK (
CASE
    WHEN lock_secret IS NULL THEN settled_by IS NULL
    ELSE length(lock_secret) = 16 AND lock_serial > 0 AND (lock_holder IS NOT NULL) <> (settled_by IS NOT NULL)
END),
    constraint an_error_has_a_message CHECK (last_error_message IS NOT NULL OR last_error_code IS NULL AND last_error_details IS NULL),
    constraint finished_in_a_final_status CHECK ((status = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text])) = (finished_at IS NOT NULL)),
    constraint processing_needs_a_lock CHECK ((status = 'processing'::text) = (lock_holder IS NOT NULL)),
    constraint reason_is_known CHECK (dead_letter_reason = ANY (ARRAY['retries_exhausted'::text, 'rejected'::text, 'requested'::text, 'lost_too_often'::text])),
    constraint settled_in_a_known_way CHECK (settled_by = ANY (ARRAY['complete'::text, 'fail'::text, 'release'::text])),
    constraint status_is_known CHECK (status = ANY (ARRAY['queued'::text, 'processing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_analyze_threshold=2000, autovacuum_vacuum_cost_delay=1, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX events_completed ON enginehouse.events USING btree (finished_at, event_id) WHERE (status = 'completed'::text);

CREATE INDEX events_failed_or_cancelled ON enginehouse.events USING btree (finished_at, event_id) WHERE ((status = ANY (ARRAY['failed'::text, 'cancelled'::text])) AND (dead_letter_reason IS NULL));

CREATE INDEX events_failed_or_cancelled_newest ON enginehouse.events USING btree (status, event_id) WHERE (status = ANY (ARRAY['failed'::text, 'cancelled'::text]));

CREATE UNIQUE INDEX events_idempotency_key ON enginehouse.events USING btree (idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX events_lock_expiry ON enginehouse.events USING btree (lock_expires_at, event_id) WHERE (lock_expires_at IS NOT NULL);

CREATE INDEX events_locks_of_engine ON enginehouse.events USING btree (engine_id, lock_given_by, event_id) WHERE (lock_given_by IS NOT NULL);

CREATE INDEX events_of_run ON enginehouse.events USING btree (scenario_run_id, event_id) WHERE (scenario_run_id IS NOT NULL);

CREATE INDEX events_ready ON enginehouse.events USING btree (lane_id, available_at, event_id) WHERE (status = 'queued'::text);

CREATE INDEX events_ready_of_run ON enginehouse.events USING btree (scenario_run_id, lane_id, available_at, event_id) WHERE ((scenario_run_id IS NOT NULL) AND (lock_expires_at IS NULL) AND (finished_at IS NULL));

create table enginehouse.lane_changes (
    changed_by xid8 not null default pg_current_xact_id(),
    changed_at timestamp with time zone not null default clock_timestamp(),
    lane_id bigint not null,
    scenario_run_id text collate "C",
    queued bigint not null default 0,
    processing bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    cancelled bigint not null default 0,
    first_available_at timestamp with time zone,
    first_enqueued_at timestamp with time zone
) with (autovacuum_vacuum_cost_delay=1, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=5000);

CREATE INDEX lane_changes_changed_by ON enginehouse.lane_changes USING btree (changed_by);

create table enginehouse.lane_counts (
    lane_id bigint not null,
    queued bigint not null,
    processing bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    constraint lane_counts_key PRIMARY KEY (lane_id)
) with (fillfactor=50);

create table enginehouse.lanes (
    lane_id bigint not null generated always as identity,
    queue text collate "C" not null,
    event_type text collate "C" not null,
    priority integer not null,
    required_capabilities text collate "C" not null,
    required_memory_mb bigint,
    engine_version text collate "C",
    changed_by xid8 not null default pg_current_xact_id(),
    retired boolean not null default false,
    forgettable_by xid8,
    constraint lanes_key PRIMARY KEY (lane_id),
    constraint memory_is_required_or_not CHECK (required_memory_mb > 0),
    constraint only_a_retired_lane_is_forgettable CHECK (forgettable_by IS NULL OR retired),
    constraint priority_is_one_digit CHECK (priority >= 0 AND priority <= 9)
);

CREATE INDEX lanes_changed_by ON enginehouse.lanes USING btree (changed_by);

CREATE UNIQUE INDEX lanes_requirements ON enginehouse.lanes USING btree (queue, event_type, priority, required_capabilities, COALESCE(required_memory_mb, (0)::bigint), COALESCE(engine_version, ''::text));

create table enginehouse.meta (
    key text collate "C" not null,
    value bigint not null,
    constraint meta_key PRIMARY KEY (key)
) with (fillfactor=20);

create table enginehouse.queues (
    queue text collate "C" not null,
    retry_policy json,
    visibility_timeout_seconds bigint,
    max_processing_seconds bigint,
    paused boolean not null,
    constraint queues_key PRIMARY KEY (queue)
);

create table enginehouse.scenario_runs (
    scenario_run_id text collate "C" not null,
    first_enqueued_at timestamp with time zone not null,
    queued bigint not null,
    processing bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    constraint scenario_runs_key PRIMARY KEY (scenario_run_id)
) with (fillfactor=50);

create table enginehouse.schema_version (
    version integer not null,
    name text not null,
    oldest_compatible integer not null,
    applied_at timestamp with time zone not null default date_trunc('milliseconds'::text, clock_timestamp()),
    constraint schema_version_key PRIMARY KEY (version),
    constraint oldest_compatible_is_a_version CHECK (oldest_compatible >= 1 AND oldest_compatible <= version)
);

create view enginehouse.event_overview as
 SELECT e.event_id,
    e.status,
    l.event_type,
    l.queue,
    l.priority,
    e.attempt,
    e.retries,
    e.failures,
    e.losses,
    e.lock_holder,
    e.lock_expires_at,
    e.enqueued_at,
    e.available_at,
    e.finished_at,
    e.scenario_run_id,
    e.dead_letter_reason,
    e.last_error_code,
    e.last_error_message,
    p.payload
   FROM ((enginehouse.events e
     LEFT JOIN enginehouse.lanes l ON ((l.lane_id = e.lane_id)))
     LEFT JOIN enginehouse.event_payloads p ON ((p.event_id = e.event_id)));

CREATE OR REPLACE FUNCTION enginehouse.add_events(events json, at text)
 RETURNS TABLE(place bigint, event_id uuid, duplicate boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
 SET "TimeZone" TO 'UTC'
AS $function$
#variable_conflict use_column
declare
    drafts enginehouse.event_draft[];
    lane_ids bigint[];
    event_ids uuid[];
    clock timestamptz := clock_timestamp();
    now_ms bigint;
    moment timestamptz;
    refused text;
    conflict record;
    has_keys boolean;
    has_old_view boolean := current_setting('transaction_isolation') in ('repeatable read', 'serializable');
    all_found boolean;
    is_first_round boolean := true;
    duplicates boolean[];
begin
    select array_agg(draft order by draft.place), count(draft.idempotency_key) > 0
    into drafts, has_keys
    from enginehouse.read_events(events, at) as draft;

    select string_agg(draft.errors, '; ' order by draft.place) filter (where draft.nth <= 100)
        || case when count(*) > 100 then '; and so on: ' || count(*) || ' events are refused' else '' end
    into refused
    from (
        select d.errors, d.place, row_number() over (order by d.place) as nth
        from unnest(drafts) as d
        where d.errors is not null
    ) as draft;
    if refused is not null then
        raise exception using errcode = '22023', message = refused;
    end if;

    -- A lane that is retired from here on is not forgotten before this transaction ends: whoever forgets waits for
    -- all that had begun to write.
    perform pg_current_xact_id();

    loop
        -- Of two with the same requirements, which only a transaction with an old view can see, the one made last.
        select array_agg(lane.lane_id order by d.place), bool_and(lane.lane_id is not null and not lane.retired)
        into lane_ids, all_found
        from unnest(drafts) as d
        left join lateral (
            select l.lane_id, l.retired
            from enginehouse.lanes as l
            where
                l.queue = d.queue and l.event_type = d.event_type and l.priority = d.priority
                and l.required_capabilities = d.required_capabilities
                and coalesce(l.required_memory_mb, 0) = coalesce(d.required_memory_mb, 0)
                and coalesce(l.engine_version, '') = coalesce(d.engine_version, '')
            order by l.lane_id desc
            limit 1
        ) as lane on true;
        exit when all_found and not has_old_view;

        -- Those that are missing, in one order for everybody. A transaction that does not see what others have
        -- committed since it began takes none for granted: one that was changed is a failure to serialize here, and
        -- one that was forgotten is made again.
        insert into enginehouse.lanes (
            queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
        )
        select d.queue, d.event_type, d.priority, d.required_capabilities, d.required_memory_mb, d.engine_version
        from unnest(drafts) as d
        where has_old_view or lane_ids[d.place + 1] is null
        group by 1, 2, 3, 4, 5, 6
        order by 1, 2, 3, 4, 5, 6
        on conflict do nothing;

        -- Servers look at what was changed: so they see again a lane that was out of use. It may be forgotten
        -- meanwhile.
        update enginehouse.lanes as l
        set retired = false, forgettable_by = null, changed_by = pg_current_xact_id()
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
    select greatest(floor(extract(epoch from clock) * 1000)::bigint, m.value)
    into now_ms
    from enginehouse.meta as m
    where m.key = 'last_time';
    moment := enginehouse.from_millis(now_ms);

    -- UUIDs of version 7: milliseconds, a counter of 32 bits, 42 random bits. The counter begins with the
    -- microseconds of the clock, so that ids rise from call to call too.
    select array_agg(
        (
            lpad(to_hex(now_ms), 12, '0') || '7' || lpad(to_hex(count >> 20), 3, '0')
            || to_hex((1::bigint << 63) | ((count & 1048575) << 42) | random)
        )::uuid
        order by place
    )
    into event_ids
    from (
        select
            d.place,
            ((extract(microseconds from clock)::bigint % 1000) << 22) + d.place as count,
            ('x' || right(gen_random_uuid()::text, 12))::bit(42)::bigint as random
        from unnest(drafts) as d
    ) as counted;

    while is_first_round or exists (
        select from unnest(drafts) as d
        where
            d.idempotency_key is not null
            and not exists (select from enginehouse.events as e where e.idempotency_key = d.idempotency_key)
    ) loop
        -- Whoever has added an event with one of the keys and has not committed yet is waited for. If that one is
        -- taken back, or its event was forgotten, there is another round.
        insert into enginehouse.events (
            event_id, lane_id, enqueued_at, available_at, scenario_run_id, idempotency_key, fingerprint,
            retry_policy, visibility_timeout_ms, max_processing_ms, labels
        )
        select
            event_ids[d.place + 1],
            lane_ids[d.place + 1],
            moment,
            enginehouse.from_millis(least(
                greatest(d.run_at_ms, now_ms + coalesce(d.delay_ms, 0)), 253402207200000
            )),
            d.scenario_run_id,
            d.idempotency_key,
            d.fingerprint,
            d.retry_policy,
            d.visibility_timeout_ms,
            d.max_processing_ms,
            d.labels
        from unnest(drafts) as d
        where case
            when d.idempotency_key is null then is_first_round
            else not exists (select from enginehouse.events as e where e.idempotency_key = d.idempotency_key)
        end
        order by d.idempotency_key, d.place
        on conflict (idempotency_key) where idempotency_key is not null do nothing;
        exit when not has_keys;
        is_first_round := false;
    end loop;

    if has_keys then
        -- By now every key has its event: one of this call or one that was there.
        select d.place, d.idempotency_key, e.event_id
        into conflict
        from unnest(drafts) as d
        join enginehouse.events as e on e.idempotency_key = d.idempotency_key
        where e.fingerprint <> d.fingerprint
        order by d.place
        limit 1;
        if found then
            raise exception using
                errcode = '23I01',
                message = case at when '' then '' else at || '/' || conflict.place end
                    || '/idempotency_key: another request has added event ' || conflict.event_id || ' with the key '
                    || to_json(conflict.idempotency_key),
                detail = conflict.event_id::text,
                table = 'events',
                constraint = 'events_idempotency_key';
        end if;
        select array_agg(e.event_id is not null order by d.place),
            array_agg(coalesce(e.event_id, event_ids[d.place + 1]) order by d.place)
        into duplicates, event_ids
        from unnest(drafts) as d
        left join enginehouse.events as e
            on e.idempotency_key = d.idempotency_key and e.event_id <> event_ids[d.place + 1];
    end if;

    insert into enginehouse.event_payloads (event_id, payload)
    select event_ids[d.place + 1], d.payload
    from unnest(drafts) as d
    where not has_keys or not duplicates[d.place + 1]
    order by d.place;

    insert into enginehouse.lane_changes (
        lane_id, scenario_run_id, queued, first_available_at, first_enqueued_at
    )
    select
        lane_ids[d.place + 1], d.scenario_run_id, count(*),
        enginehouse.from_millis(least(
            min(greatest(d.run_at_ms, now_ms + coalesce(d.delay_ms, 0))), 253402207200000
        )),
        moment
    from unnest(drafts) as d
    where not has_keys or not duplicates[d.place + 1]
    group by 1, 2;

    return query
    select d.place, event_ids[d.place + 1], has_keys and duplicates[d.place + 1]
    from unnest(drafts) as d
    order by d.place;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_capabilities(pointer text, said text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return case
        when said ~ '^\[\s*\]$' then null
        when said not like '[%' then pointer || ': must be an array'
        else (
            select nullif(array_to_string(
                case when count(*) > 64 then pointer || ': at most 64 capabilities, was ' || count(*) end
                || array_agg(enginehouse.bad_name(pointer || '/' || number - 1, value::text) order by number),
                '; '
            ), '')
            from json_array_elements(said::json) with ordinality as capability (value, number)
        )
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_keys(pointer text, said json, known text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return (
        select string_agg(
            pointer || enginehouse.pointer_step(key)
                || case when key = any (known) then ': given twice' else ': unknown field' end,
            '; ' order by first
        )
        from (
            select key, min(number) as first, count(*) as times
            from json_object_keys(said) with ordinality as given (key, number)
            group by key
        ) as given
        where times > 1 or key <> all (known)
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_labels(pointer text, said text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return case
        when said not like '{%' then pointer || ': must be an object'
        else (
            select string_agg(error, '; ' order by key collate "C" nulls first, kind)
            from (
                select null as key, 0 as kind, pointer || ': at most 32 labels' as error
                from json_object_keys(said::json)
                having count(*) > 32
                union all
                select key, 1, pointer || enginehouse.pointer_step(key) || ': given twice'
                from json_object_keys(said::json) as key
                group by key
                having count(*) > 1
                union all
                select key, 2, enginehouse.bad_name(pointer || enginehouse.pointer_step(key), to_json(key)::text)
                from json_object_keys(said::json) as key
                union all
                select key, 3, enginehouse.bad_words(pointer || enginehouse.pointer_step(key), value::text, 0)
                from json_each(said::json)
            ) as wrong
        )
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_name(pointer text, said text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return case
        when said not like '"%' then pointer || ': must be a string'
        when not enginehouse.is_name(said::json #>> '{}')
            then pointer || ': a name is 1 to 200 characters of A-Z, a-z, 0-9, ''.'', ''_'', '':'' and ''-'', '
                'and begins with a letter or digit'
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_number(pointer text, said text, lowest double precision, highest double precision)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return case
        when said !~ '^[-0-9]' then pointer || ': must be a number'
        when enginehouse.json_float(said) between lowest and highest then null
        else pointer || ': must be between ' || lowest || ' and ' || highest || ', was ' || left(said, 40)
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_retry_policy(pointer text, said text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
declare
    policy json := case when said like '{%' then said end;
    said_delay text := enginehouse.json_field(policy, 'retry_delay');
    delay json := case when said_delay like '{%' then said_delay end;
begin
    if policy is null then
        return pointer || ': must be an object';
    end if;
    return nullif(array_to_string(array[
        enginehouse.bad_keys(pointer, policy, '{max_retries,retry_delay,dead_letter_threshold,max_losses}'),
        enginehouse.bad_whole_number(
            pointer || '/max_retries', enginehouse.json_field(policy, 'max_retries'), 0, 1000
        ),
        case when said_delay is not null and delay is null then pointer || '/retry_delay: must be an object' end,
        enginehouse.bad_keys(pointer || '/retry_delay', delay, '{initial,max,multiplier,jitter}'),
        enginehouse.bad_number(
            pointer || '/retry_delay/initial', enginehouse.json_field(delay, 'initial'), 0, 2592000
        ),
        enginehouse.bad_number(pointer || '/retry_delay/max', enginehouse.json_field(delay, 'max'), 0, 2592000),
        enginehouse.bad_number(
            pointer || '/retry_delay/multiplier', enginehouse.json_field(delay, 'multiplier'), 1, 1000
        ),
        enginehouse.bad_number(pointer || '/retry_delay/jitter', enginehouse.json_field(delay, 'jitter'), 0, 1),
        enginehouse.bad_whole_number(
            pointer || '/dead_letter_threshold', enginehouse.json_field(policy, 'dead_letter_threshold'), 1, 1000
        ),
        enginehouse.bad_whole_number(pointer || '/max_losses', enginehouse.json_field(policy, 'max_losses'), 0, 1000)
    ], '; '), '');
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_whole_number(pointer text, said text, lowest bigint, highest bigint)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return case
        when said !~ '^(0|-?[1-9][0-9]*)$' then pointer || ': must be a whole number'
        when length(said) <= 18 and said::bigint between lowest and highest then null
        else pointer || ': must be between ' || lowest || ' and ' || highest || ', was ' || left(said, 40)
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.bad_words(pointer text, said text, shortest integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
declare
    words text := enginehouse.json_string(said);
begin
    return case
        when words is null then pointer || ': must be a string'
        when length(words) between shortest and 256 and words !~ '[\u0001-\u001f\u007f-\u009f]' then null
        when shortest > 0 then pointer || ': 1 to 256 characters, and no control characters'
        else pointer || ': at most 256 characters, and no control characters'
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.checked_capabilities(said text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return (
        select '[' || coalesce(string_agg(to_json(name)::text, ',' order by name collate "C"), '') || ']'
        from (select distinct value #>> '{}' as name from json_array_elements(said::json)) as capability
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.checked_labels(said json)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return (
        select '{' || coalesce(
            string_agg(to_json(key) || ':' || to_json(value #>> '{}'), ',' order by key collate "C"), ''
        ) || '}'
        from json_each(said)
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.checked_retry_policy(said json)
 RETURNS json
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return json_strip_nulls(json_build_object(
        'max_retries', enginehouse.json_field(said, 'max_retries')::integer,
        'retry_delay', case
            when enginehouse.json_field(said, 'retry_delay') is not null then json_build_object(
                'initial', enginehouse.json_float(enginehouse.json_field(said -> 'retry_delay', 'initial')),
                'max', enginehouse.json_float(enginehouse.json_field(said -> 'retry_delay', 'max')),
                'multiplier', enginehouse.json_float(enginehouse.json_field(said -> 'retry_delay', 'multiplier')),
                'jitter', enginehouse.json_float(enginehouse.json_field(said -> 'retry_delay', 'jitter'))
            )
        end,
        'dead_letter_threshold', enginehouse.json_field(said, 'dead_letter_threshold')::integer,
        'max_losses', enginehouse.json_field(said, 'max_losses')::integer
    ));
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.counted(field text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
select coalesce(octet_length(field) || ':' || field, '-')
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.counted_bits(number text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
select enginehouse.counted(encode(float8send(enginehouse.json_float(number)), 'hex'))
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.delay_millis(seconds double precision)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return (
        select floor(seconds)::bigint * 1000
            + ceil((nanos + case when rest > half or (rest = half and nanos % 2 = 1) then 1 else 0 end) / 1000000)::bigint
        from (
            select
                div(bits * 1000000000, 1180591620717411303424) as nanos,
                mod(bits * 1000000000, 1180591620717411303424) as rest,
                590295810358705651712 as half
            from (
                -- The first seventy bits of the fraction, in two halves.
                select floor(high)::bigint * 34359738368::numeric + floor((high - floor(high)) * 34359738368)::bigint as bits
                from (select (seconds - floor(seconds)) * 34359738368 as high) as first_half
            ) as whole
        ) as fraction
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue(event_type text, payload json DEFAULT '{}'::json, queue text DEFAULT 'default'::text, priority integer DEFAULT 5, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, delay_seconds double precision DEFAULT NULL::double precision, required_capabilities text[] DEFAULT '{}'::text[], required_memory_mb bigint DEFAULT NULL::bigint, engine_version text DEFAULT NULL::text, scenario_run_id text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, retry_policy json DEFAULT NULL::json, visibility_timeout_seconds bigint DEFAULT NULL::bigint, max_processing_seconds bigint DEFAULT NULL::bigint, labels json DEFAULT NULL::json)
 RETURNS uuid
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
 SET "TimeZone" TO 'UTC'
 SET extra_float_digits TO '1'
AS $function$
select added.event_id
from enginehouse.add_events(
    (
        select ('[{' || string_agg(to_json(field.name) || ':' || field.value, ',') || '}]')::json
        from (
            values
                ('event_type', to_json(event_type)::text),
                ('payload', payload::text),
                ('queue', to_json(queue)::text),
                ('priority', to_json(priority)::text),
                ('run_at', to_json(run_at)::text),
                ('delay_seconds', to_json(delay_seconds)::text),
                ('required_capabilities', to_json(required_capabilities)::text),
                ('required_memory_mb', to_json(required_memory_mb)::text),
                ('engine_version', to_json(engine_version)::text),
                ('scenario_run_id', to_json(scenario_run_id)::text),
                ('idempotency_key', to_json(idempotency_key)::text),
                ('retry_policy', retry_policy::text),
                ('visibility_timeout_seconds', to_json(visibility_timeout_seconds)::text),
                ('max_processing_seconds', to_json(max_processing_seconds)::text),
                ('labels', labels::text)
        ) as field (name, value)
        where field.value is not null
    ),
    ''
) as added
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue_many(events json)
 RETURNS TABLE(place bigint, event_id uuid, duplicate boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
AS $function$
declare
    refused text := case
        when octet_length(events::text) > 67108864
            then '/events: at most 67108864 bytes, was ' || octet_length(events::text)
        when json_typeof(events) <> 'array' then '/events: must be an array'
        when events is null or json_array_length(events) not between 1 and 10000
            then '/events: 1 to 10000 events, was ' || coalesce(json_array_length(events), 0)
    end;
begin
    if refused is not null then
        raise exception using errcode = '22023', message = refused;
    end if;
    return query select * from enginehouse.add_events(events, '/events');
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.fingerprint(queue text, event_type text, priority integer, required_capabilities text, required_memory_mb text, engine_version text, start text, scenario_run_id text, retry_policy json, visibility_timeout_seconds text, max_processing_seconds text, labels text, payload text)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
    return substr(sha256(convert_to(
        enginehouse.counted(queue)
        || enginehouse.counted(event_type)
        || enginehouse.counted(priority::text)
        || enginehouse.counted(required_capabilities)
        || enginehouse.counted(required_memory_mb)
        || enginehouse.counted(engine_version)
        || enginehouse.counted(start)
        || enginehouse.counted(scenario_run_id)
        || case
            when retry_policy is null then '-------'
            else
                enginehouse.counted(enginehouse.json_field(retry_policy, 'max_retries'))
                || enginehouse.counted_bits(enginehouse.json_field(retry_policy -> 'retry_delay', 'initial'))
                || enginehouse.counted_bits(enginehouse.json_field(retry_policy -> 'retry_delay', 'max'))
                || enginehouse.counted_bits(enginehouse.json_field(retry_policy -> 'retry_delay', 'multiplier'))
                || enginehouse.counted_bits(enginehouse.json_field(retry_policy -> 'retry_delay', 'jitter'))
                || enginehouse.counted(enginehouse.json_field(retry_policy, 'dead_letter_threshold'))
                || enginehouse.counted(enginehouse.json_field(retry_policy, 'max_losses'))
        end
        || enginehouse.counted(visibility_timeout_seconds)
        || enginehouse.counted(max_processing_seconds)
        || enginehouse.counted(labels)
        || enginehouse.counted(payload),
        'UTF8'
    )), 1, 16);
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.from_millis(millis bigint)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
select timestamptz '1970-01-01 00:00:00+00'
    + make_interval(hours => (millis / 3600000)::integer, secs => (millis % 3600000)::float8 / 1000)
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.is_name(said text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select length(said) <= 200 and said ~ '^[A-Za-z0-9][A-Za-z0-9._:-]*$'
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.is_version_requirement(said text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return octet_length(said) <= 128 and (
        said ~ '^ *[*xX] *$'
        or (
            select
                count(*) <= 32
                and bool_and(coalesce(
                    greatest(part[1]::numeric, part[2]::numeric, part[3]::numeric) <= 18446744073709551615, false
                ))
            from regexp_split_to_table(said, ',') as comparator
            cross join lateral (
                select regexp_match(
                    comparator,
                    '^ *(?:>=|<=|[=><~^])? *(0|[1-9][0-9]*)'
                    '(?:\.[*xX](?:\.[*xX])?|\.(0|[1-9][0-9]*)(?:\.[*xX]|\.(0|[1-9][0-9]*)'
                    '(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?'
                    '(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)? *$'
                ) as part
                offset 0
            ) as parsed
        )
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_fault(value json)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
#variable_conflict use_column
declare
    words text := json_fault.value;
begin
    -- Most payloads have one object, or none, and no number near the end of the range. This is the quick answer for
    -- them.
    if words !~ '[0-9][eE]|[0-9]{250}' then
        if strpos(words, '{') = 0 and length(words) - length(replace(words, '[', '')) <= 64 then
            return null;
        end if;
        if words ~ '^\{[^][{}]*\}$'
            and (select count(*) = count(distinct key) from json_object_keys(json_fault.value) as key)
        then
            return null;
        end if;
    end if;
    return (
        with recursive inner_value (value, kind, depth) as (
            select json_fault.value, json_typeof(json_fault.value), 1
            union all
            select child.value, json_typeof(child.value), inner_value.depth + 1
            from inner_value
            cross join lateral (
                select o.value from json_each(case kind when 'object' then inner_value.value end) as o
                union all
                select a.value from json_array_elements(case kind when 'array' then inner_value.value end) as a
            ) as child
            where
                inner_value.depth <= 64 and inner_value.kind in ('object', 'array')
                -- Most of a payload is neither a value with others in it nor a number near the end of the range.
                and (
                    json_typeof(child.value) in ('object', 'array')
                    or (
                        json_typeof(child.value) = 'number'
                        and (child.value::text ~ '[eE]' or length(child.value::text) > 300)
                    )
                )
        )
        select coalesce(
            (select 'nested deeper than 64' from inner_value where depth > 64 and kind in ('object', 'array') limit 1),
            (
                select 'the key ' || to_json(key) || ' is given twice'
                from inner_value as object
                cross join lateral (
                    select key
                    from json_object_keys(case object.kind when 'object' then object.value end) as key
                    group by key
                    having count(*) > 1
                ) as twice
                limit 1
            ),
            (
                select 'number out of range'
                from inner_value
                where kind = 'number' and abs(enginehouse.json_float(value::text)) = float8 'infinity'
                limit 1
            )
        )
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_field(value json, key text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return nullif((value -> key)::text, 'null');
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_float(number text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
declare
    part text[];
    exponent text;
begin
    if number ~ '^-?[0-9]{1,17}(\.[0-9]{1,17})?$' then
        return number::float8;
    end if;
    begin
        return number::float8;
    exception when numeric_value_out_of_range then
        -- Too large, or so small that zero is the nearest: where the first digit stands tells.
        part := regexp_match(number, '^-?0*([0-9]*)\.?(0*)[0-9]*[eE]?([-+]?)0*([0-9]*)$');
        exponent := left('0' || part[4], 10);
        return case
            when (part[3] || exponent)::numeric
                + case when part[1] <> '' then length(part[1]) else -length(part[2]) end > 0
            then float8 'infinity'
            when number like '-%' then float8 '-0'
            else 0
        end;
    end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_has_half_a_pair(value text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select (strpos(value, '\ud') > 0 or strpos(value, '\uD') > 0) and regexp_replace(
    replace(value, '\\', ''), '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g'
) ~ '\\u[dD][89a-fA-F]'
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_original(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select replace(replace(replace(replace(
    value, '\\', E'\x01'), '\u0001\u0001', '\u0000'), '\u0001\u0002', '\u0001'), E'\x01', '\\')
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_readable(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select replace(replace(
    regexp_replace(
        replace(replace(
            regexp_replace(
                replace(value, '\\', E'\x01'),
                '\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})', E'\x02\\1\x02\\2', 'g'
            ),
            '\u0001', '\u0001\u0002'
        ), '\u0000', '\u0001\u0001'),
        '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\u0001\\u0003', 'g'
    ),
    E'\x02', '\u'
), E'\x01', '\\')
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.json_string(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select case when value like '"%' then value::json #>> '{}' end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.pointer_step(key text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
select '/' || replace(replace(key, '~', '~0'), '/', '~1')
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.read_events(events json, at text)
 RETURNS SETOF enginehouse.event_draft
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
begin
    return query
    select
        place,
        queue_name,
        event_type_name,
        priority_number,
        capabilities,
        case when fine then given.required_memory_mb::bigint end,
        version,
        enginehouse.rfc_3339_millis(moment),
        case when fine then enginehouse.delay_millis(enginehouse.json_float(given.delay_seconds)) end,
        run,
        key,
        case
            when fine and key is not null then enginehouse.fingerprint(
                queue_name, event_type_name, priority_number, capabilities, given.required_memory_mb, version,
                case
                    when given.delay_seconds is not null
                        then 'after ' || enginehouse.delay_millis(enginehouse.json_float(given.delay_seconds))
                    when moment is not null then 'at ' || enginehouse.rfc_3339_millis(moment)
                    else 'now'
                end,
                run, given.retry_policy::json, given.visibility_timeout_seconds, given.max_processing_seconds,
                label_words, work
            )
        end,
        case when fine then enginehouse.checked_retry_policy(given.retry_policy::json) end,
        case when fine then given.visibility_timeout_seconds::bigint * 1000 end,
        case when fine then given.max_processing_seconds::bigint * 1000 end,
        case when label_words <> '{}' then label_words::json end,
        case when fine then work::json end,
        nullif(errors, '')
    from (
        select
            number - 1 as place,
            case at when '' then '' else at || '/' || number - 1 end as base,
            value::text as event
        from json_array_elements(events) with ordinality as element (value, number)
    ) as element
    cross join lateral (
        select strpos(event, '\u0000') > 0 or enginehouse.json_has_half_a_pair(event) as is_odd
        -- Here and below: a fence, so that what is worked out once is not worked out again wherever it is used.
        offset 0
    ) as form
    cross join lateral (
        select case
            when event like '{%' then case when is_odd then enginehouse.json_readable(event) else event end::json
        end as readable
        offset 0
    ) as text
    cross join lateral (
        select
            nullif(min(value::text) filter (where key = 'queue'), 'null') as queue,
            min(value::text) filter (where key = 'event_type') as event_type,
            nullif(min(value::text) filter (where key = 'priority'), 'null') as priority,
            min(value::text) filter (where key = 'required_capabilities') as required_capabilities,
            nullif(min(value::text) filter (where key = 'required_memory_mb'), 'null') as required_memory_mb,
            nullif(min(value::text) filter (where key = 'engine_version'), 'null') as engine_version,
            nullif(min(value::text) filter (where key = 'run_at'), 'null') as run_at,
            nullif(min(value::text) filter (where key = 'delay_seconds'), 'null') as delay_seconds,
            nullif(min(value::text) filter (where key = 'scenario_run_id'), 'null') as scenario_run_id,
            nullif(min(value::text) filter (where key = 'idempotency_key'), 'null') as idempotency_key,
            nullif(min(value::text) filter (where key = 'retry_policy'), 'null') as retry_policy,
            nullif(min(value::text) filter (where key = 'visibility_timeout_seconds'), 'null')
                as visibility_timeout_seconds,
            nullif(min(value::text) filter (where key = 'max_processing_seconds'), 'null') as max_processing_seconds,
            min(value::text) filter (where key = 'labels') as labels,
            coalesce(min(value::text) filter (where key = 'payload'), '{}') as payload,
            count(*) as keys,
            count(distinct key) filter (where key in (
                'queue', 'event_type', 'priority', 'required_capabilities', 'required_memory_mb', 'engine_version',
                'run_at', 'delay_seconds', 'scenario_run_id', 'idempotency_key', 'retry_policy',
                'visibility_timeout_seconds', 'max_processing_seconds', 'labels', 'payload'
            )) as known_keys
        from json_each(readable)
    ) as given
    cross join lateral (
        select
            case when is_odd then enginehouse.json_original(given.payload) else given.payload end as work,
            enginehouse.json_string(given.engine_version) as version,
            enginehouse.json_string(given.run_at) as moment
        offset 0
    ) as read
    cross join lateral (
        select case when readable is null then base || ': must be an object' else array_to_string(array[
            case
                when keys <> known_keys then enginehouse.bad_keys(base, readable, array[
                    'queue', 'event_type', 'priority', 'required_capabilities', 'required_memory_mb', 'engine_version',
                    'run_at', 'delay_seconds', 'scenario_run_id', 'idempotency_key', 'retry_policy',
                    'visibility_timeout_seconds', 'max_processing_seconds', 'labels', 'payload'
                ])
            end,
            case when given.event_type is null then base || '/event_type: required, but missing' end,
            enginehouse.bad_name(base || '/event_type', given.event_type),
            enginehouse.bad_name(base || '/queue', given.queue),
            enginehouse.bad_whole_number(base || '/priority', given.priority, 0, 9),
            case
                when given.run_at is null or given.delay_seconds is not null then null
                when moment is null then base || '/run_at: must be a string'
                when enginehouse.rfc_3339_millis(moment) is null
                    then base || '/run_at: not an RFC 3339 time between 1970 and 9999, such as 2026-11-23T10:00:00Z'
            end,
            case
                when given.run_at is not null and given.delay_seconds is not null
                    then base || '/delay_seconds: give run_at or delay_seconds, not both'
            end,
            enginehouse.bad_number(base || '/delay_seconds', given.delay_seconds, 0, 31622400),
            enginehouse.bad_capabilities(base || '/required_capabilities', given.required_capabilities),
            enginehouse.bad_whole_number(base || '/required_memory_mb', given.required_memory_mb, 1, 1073741824),
            case
                when given.engine_version is null then null
                when version is null then base || '/engine_version: must be a string'
                when not enginehouse.is_version_requirement(version)
                    then base || '/engine_version: not a range of semantic versions such as ">=1.4, <2"'
            end,
            enginehouse.bad_name(base || '/scenario_run_id', given.scenario_run_id),
            enginehouse.bad_words(base || '/idempotency_key', given.idempotency_key, 1),
            enginehouse.bad_retry_policy(base || '/retry_policy', given.retry_policy),
            enginehouse.bad_whole_number(
                base || '/visibility_timeout_seconds', given.visibility_timeout_seconds, 1, 604800
            ),
            enginehouse.bad_whole_number(base || '/max_processing_seconds', given.max_processing_seconds, 1, 2592000),
            enginehouse.bad_labels(base || '/labels', given.labels),
            case
                when octet_length(work) > 262144
                    then base || '/payload: at most 262144 bytes, was ' || octet_length(work)
                when is_odd and strpos(replace(given.payload, '\\', ''), '\u0001\u0003') > 0
                    then base || '/payload: a string has half of a surrogate pair'
                else base || '/payload: ' || enginehouse.json_fault(given.payload::json)
            end
        ], '; ') end as errors
        offset 0
    ) as checked
    cross join lateral (select errors = '' as fine) as verdict
    cross join lateral (
        select
            coalesce(enginehouse.json_string(given.queue), 'default') as queue_name,
            enginehouse.json_string(given.event_type) as event_type_name,
            case when fine then coalesce(given.priority::integer, 5) end as priority_number,
            case when fine then coalesce(enginehouse.checked_capabilities(given.required_capabilities), '[]') end
                as capabilities,
            enginehouse.json_string(given.scenario_run_id) as run,
            enginehouse.json_string(given.idempotency_key) as key,
            case when fine then coalesce(enginehouse.checked_labels(given.labels::json), '{}') end as label_words
        offset 0
    ) as final;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.rfc_3339_millis(said text)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
declare
    part text[] := regexp_match(
        said,
        '^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})'
        '(?:\.([0-9]{1,9}))?(?:[Zz]|([-+])([0-9]{2}):([0-9]{2}))$'
    );
    first_of_month date;
    seconds bigint;
    millis bigint;
begin
    -- The year before 1970 for what is written with an offset.
    if part is null or part[1] < '1969' or part[2] not between '01' and '12' or part[3] < '01' or part[4] > '23'
        or part[5] > '59' or part[6] > '60' or part[9] > '23' or part[10] > '59'
    then
        return null;
    end if;
    first_of_month := make_date(part[1]::integer, part[2]::integer, 1);
    if part[3]::integer > extract(day from first_of_month + interval '1 month' - interval '1 day') then
        return null;
    end if;
    -- A leap second is the one before it.
    seconds := (first_of_month - date '1970-01-01' + part[3]::integer - 1)::bigint * 86400
        + part[4]::integer * 3600 + part[5]::integer * 60 + least(part[6]::integer, 59)
        - coalesce((part[8] || '1')::integer * (part[9]::integer * 3600 + part[10]::integer * 60), 0);
    millis := trunc(seconds * 1000 + rpad(coalesce(part[7], ''), 9, '0')::numeric / 1000000);
    return case when seconds >= -1 and millis between 0 and 253402207200000 then millis end;
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.wake()
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
AS $function$
select pg_notify(('engine' || 'house:' || n.nspname)::name::text, '')
from enginehouse.meta as m
join pg_class as c on c.oid = m.tableoid
join pg_namespace as n on n.oid = c.relnamespace
where m.key = 'last_time'
$function$
;

create type enginehouse.event_draft; -- c
