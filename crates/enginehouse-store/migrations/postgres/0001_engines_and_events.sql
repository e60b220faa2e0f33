-- Engines, events and all that is kept about them.
--
-- A line that says "-- statement" ends one statement and begins the next, so that any migration tool can run the file.
-- Every name is qualified by the schema `enginehouse`; another one takes its place when it is configured.
--
-- What dispatch does a thousand times a second must not become slow when a transaction elsewhere keeps dead rows from being
-- vacuumed. So no row is written again and again under one key: a change is a new row, found by the transaction that made
-- it (`xid8`), and whoever looks begins where everything older is known.

-- statement
create schema if not exists enginehouse;

-- statement
-- The rules for single values are functions, so that a table and enqueue in SQL share them, and domains, so that no
-- table takes anything else, whoever writes. A domain is checked when a value is made, not whenever its row changes.
create function enginehouse.is_name(value text) returns boolean
language sql immutable parallel safe
return octet_length(value) <= 200 and value ~ '^[A-Za-z0-9][A-Za-z0-9._:-]*$';

-- statement
create function enginehouse.is_one_line(value text, shortest integer) returns boolean
language sql immutable parallel safe
return length(value) between shortest and 256 and value !~ '[\u0001-\u001f\u007f-\u009f]';

-- statement
-- A count, which is at most more than there can be: a sum of what somebody has written by hand must not end a statement.
create function enginehouse.as_count(value numeric) returns bigint
language sql immutable parallel safe
return greatest(least(value, 1000000000000000), -1000000000000000)::bigint;

-- statement
-- What a sum of one moment, in which what is longer ago counts less, is at a later one: after 5 minutes, a factor of e less.
-- After an hour it is 0, so that no number is too small to be one.
create function enginehouse.decayed(value bigint, since timestamptz, now timestamptz) returns bigint
language sql immutable parallel safe
return case
    when not isfinite(since) or not isfinite(now) or now - since >= interval '1 hour' then 0
    else enginehouse.as_count(
        floor(value * exp(-greatest(extract(epoch from now - since)::double precision, 0) / 300))::numeric
    )
end;

-- statement
-- A range of semantic versions, such as `>=1.4, <2`: `*`, or up to 32 comparators, each of which a comma ends here. A
-- number has at most 19 digits, so that it fits into 64 bits.
create function enginehouse.is_version_range(value text) returns boolean
language sql immutable parallel safe
return octet_length(value) <= 128 and value !~ '[0-9]{20}' and cardinality(string_to_array(value, ',')) <= 32 and (
    value ~ '^ *[*xX] *$'
    or value || ',' ~ (
        '^(?: *(?:>=|<=|[=><~^])? *(?:0|[1-9][0-9]*)'
        '(?:\.[*xX](?:\.[*xX])?|\.(?:0|[1-9][0-9]*)(?:\.[*xX]|\.(?:0|[1-9][0-9]*)'
        '(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?'
        '(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)? *,)+$'
    )
);

-- statement
-- A name stands in URLs, logs and file names without quotes.
create domain enginehouse.name as text collate "C"
constraint a_name_needs_no_quotes check (enginehouse.is_name(value));

-- statement
create domain enginehouse.idempotency_key as text collate "C"
constraint a_key_is_one_line check (enginehouse.is_one_line(value, 1));

-- statement
-- W3C Trace Context: a version, the ids of a trace and a span, flags.
create domain enginehouse.traceparent as text collate "C"
constraint a_traceparent_names_a_span check (
    value ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
);

-- statement
create domain enginehouse.version_range as text collate "C"
constraint a_version_range_can_be_read check (enginehouse.is_version_range(value));

-- statement
-- A set of names as a sorted JSON array without spaces, so that equal sets are equal texts.
create domain enginehouse.capability_set as text collate "C"
constraint capabilities_are_names check (
    value ~ '^\[(?:"[A-Za-z0-9][A-Za-z0-9._:-]*"(?:,"[A-Za-z0-9][A-Za-z0-9._:-]*")*)?\]$'
);

-- statement
create domain enginehouse.json_object as json
constraint json_is_an_object check (json_typeof(value) = 'object');

-- statement
-- How many there are in each bucket of a histogram, by its number.
create domain enginehouse.bucket_counts as json
constraint buckets_are_counts check (
    value::text ~ '^[{]("[0-9]{1,3}":[1-9][0-9]{0,15}(,"[0-9]{1,3}":[1-9][0-9]{0,15})*)?[}]$'
);

-- statement
create domain enginehouse.visibility_timeout_ms as bigint
constraint a_visibility_timeout_is_at_most_7_days check (value between 1 and 604800000);

-- statement
create domain enginehouse.max_processing_ms as bigint
constraint processing_takes_at_most_30_days check (value between 1 and 2592000000);

-- statement
create domain enginehouse.progress_timeout_ms as bigint
constraint progress_takes_at_most_30_days check (value between 1 and 2592000000);

-- statement
-- Which migrations have been applied. Servers that know the version `oldest_compatible`, or a later one, work with the
-- schema as it is after the migration.
create table enginehouse.schema_version (
    version integer not null,
    name text not null,
    oldest_compatible integer not null,
    applied_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
    constraint schema_version_key primary key (version),
    constraint oldest_compatible_is_a_version check (oldest_compatible between 1 and version)
);

-- statement
-- Single numbers: registry_version; its value when settings and tokens were last changed and engines last deleted; last_time, in milliseconds
-- since 1970, the latest time that servers have seen, and last_time_lead, how many of them it was ahead of the clock; generation, the high part of epochs and lock serials, and home, where the
-- schema was served last, which tells when to raise it; and until when nothing is pruned, because the clock has jumped.
create table enginehouse.meta (
    key text collate "C" not null,
    value bigint not null,
    constraint meta_key primary key (key)
) with (fillfactor = 20);

-- statement
insert into enginehouse.meta (key, value)
values
    ('registry_version', 0), ('settings_version', 0), ('tokens_version', 0), ('engines_deleted_version', 0),
    ('last_time', 0), ('generation', 0), ('home', 0), ('pruning_held_until', 0), ('last_time_lead', 0);

-- statement
-- No index holds anything that a heartbeat changes, and pages have room: so a heartbeat changes the row in its page, and
-- no index (a HOT update). `registry_version` is that of the last change that others have copies of.
create table enginehouse.engines (
    engine_id enginehouse.name not null,
    engine_type enginehouse.name not null,
    epoch bigint not null,
    status text collate "C" not null,
    heartbeat_interval_ms bigint not null,
    registered_at timestamptz not null,
    last_heartbeat_at timestamptz not null,
    lost_due_at timestamptz,
    draining boolean not null,
    stop_when_drained boolean not null,
    metadata enginehouse.json_object not null,
    quarantine enginehouse.json_object,
    automatic_quarantines json,
    session_sha256 bytea,
    registered_by text collate "C",
    takeovers_counted_until timestamptz,
    registry_version bigint not null default 0,
    constraint engines_key primary key (engine_id),
    constraint status_is_known check (
        status = 'active' or status = 'draining' or status = 'lost' or status = 'stopped'
    ),
    constraint a_session_hash_has_32_bytes check (length(session_sha256) = 32),
    constraint an_epoch_counts_from_one check (epoch >= 1)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500);

-- statement
-- What servers have not read yet.
create index engines_registry_version on enginehouse.engines (registry_version);

-- statement
-- All that decides which engine may have an event. A number is never given twice. `changed_by` is the transaction that made
-- the lane, or took it out of use; a lane out of use is forgotten once nobody can put an event into it any more. `suspended_run` is the scenario
-- run whose events these are, where that was paused while they waited.
create table enginehouse.lanes (
    lane_id bigint not null generated always as identity,
    queue enginehouse.name not null,
    event_type enginehouse.name not null,
    priority integer not null,
    required_capabilities enginehouse.capability_set not null,
    required_memory_mb bigint,
    engine_version enginehouse.version_range,
    suspended_run enginehouse.name,
    changed_by xid8 not null default pg_current_xact_id(),
    retired boolean not null default false,
    prunable_by xid8,
    constraint lanes_key primary key (lane_id),
    constraint priority_is_one_digit check (priority between 0 and 9),
    constraint memory_is_at_most_a_pebibyte check (required_memory_mb between 1 and 1073741824),
    constraint only_a_retired_lane_is_prunable check (prunable_by is null or retired)
);

-- statement
-- Equal requirements are one lane. A null equals nothing, hence the words in its place.
create unique index lanes_requirements on enginehouse.lanes (
    queue, event_type, priority, required_capabilities, coalesce(required_memory_mb, 0), coalesce(engine_version, ''),
    coalesce(suspended_run, '')
);

-- statement
-- What servers have not seen yet. Numbers do not tell: a lower one may be committed later.
create index lanes_changed_by on enginehouse.lanes (changed_by);

-- statement
-- One row per event, without its payload: a change writes a row anew. `lock_given_by` is the number that
-- transactions had come to when the lock was given. Who gives an engine a lock has locked its row, so these numbers rise; by
-- them its locks are found without a look at those that have ended, however long other transactions stay open.
--
-- `result_checksum` tells a result that was damaged, as `checksum` does beside a payload.
--
-- There are no foreign keys: each would lock and look up a row for every event that is added.
--
-- A constraint compares with one value after the other, as in SQLite, where a list of them would be slow.
create table enginehouse.events (
    event_id uuid not null,
    lane_id bigint not null,
    lock_serial bigint not null default 0,
    enqueued_at timestamptz not null,
    available_at timestamptz not null,
    claimed_at timestamptz,
    finished_at timestamptz,
    lock_expires_at timestamptz,
    idempotency_key_expires_at timestamptz,
    expires_at timestamptz,
    lock_engine_epoch bigint,
    lock_visibility_timeout_ms bigint,
    lock_max_processing_ms bigint,
    lock_progress_timeout_ms bigint,
    lock_progress_due_at timestamptz,
    reported_lock_serial bigint,
    lock_given_by xid8,
    result_checksum bigint,
    visibility_timeout_ms enginehouse.visibility_timeout_ms,
    max_processing_ms enginehouse.max_processing_ms,
    progress_timeout_ms enginehouse.progress_timeout_ms,
    attempt bigint not null default 0,
    retries bigint not null default 0,
    failures bigint not null default 0,
    losses bigint not null default 0,
    redrives bigint not null default 0,
    lock_unlisted_heartbeats smallint,
    cancel_requested boolean not null default false,
    status text collate "C" not null default 'queued',
    engine_id enginehouse.name,
    lock_holder text collate "C",
    lock_secret bytea,
    settled_by text collate "C",
    dead_letter_reason text collate "C",
    engine_software_version text collate "C",
    scenario_run_id enginehouse.name,
    idempotency_key enginehouse.idempotency_key,
    fingerprint bytea,
    retry_policy enginehouse.json_object,
    labels enginehouse.json_object,
    traceparent enginehouse.traceparent,
    last_error_code text collate "C",
    last_error_message text collate "C",
    last_error_details json,
    result json,
    constraint events_key primary key (event_id),
    constraint status_is_known check (
        status = 'queued' or status = 'processing' or status = 'completed' or status = 'failed' or status = 'cancelled'
    ),
    constraint processing_needs_a_lock check ((status = 'processing') = (lock_holder is not null)),
    constraint a_lock_is_whole check (
        case
            when lock_holder is null then
                lock_engine_epoch is null and lock_expires_at is null and lock_visibility_timeout_ms is null
                and lock_max_processing_ms is null and lock_unlisted_heartbeats is null and lock_given_by is null
                and lock_progress_timeout_ms is null and lock_progress_due_at is null
            else
                engine_id is not null and lock_holder = 'processing_by_' || engine_id and claimed_at is not null
                and lock_secret is not null and lock_engine_epoch is not null and lock_expires_at is not null
                and lock_visibility_timeout_ms is not null and lock_unlisted_heartbeats is not null
                and lock_given_by is not null
                and (lock_progress_timeout_ms is null) = (lock_progress_due_at is null)
        end
    ),
    constraint a_secret_is_of_a_lock check (
        case
            when lock_secret is null then settled_by is null
            else length(lock_secret) = 16 and lock_serial > 0 and (lock_holder is not null) <> (settled_by is not null)
        end
    ),
    constraint settled_in_a_known_way check (
        settled_by = 'complete' or settled_by = 'fail' or settled_by = 'release'
    ),
    constraint finished_in_a_final_status check (
        (status = 'completed' or status = 'failed' or status = 'cancelled') = (finished_at is not null)
    ),
    constraint no_count_is_negative check (
        lock_serial >= 0 and attempt >= 0 and retries >= 0 and failures >= 0 and losses >= 0 and redrives >= 0
    ),
    constraint a_dead_letter_has_failed check (dead_letter_reason is null or status = 'failed'),
    constraint reason_is_known check (
        dead_letter_reason = 'retries_exhausted' or dead_letter_reason = 'rejected' or dead_letter_reason = 'requested'
        or dead_letter_reason = 'lost_too_often' or dead_letter_reason = 'blocked'
    ),
    constraint a_key_has_a_fingerprint check (
        case when idempotency_key is null then fingerprint is null else coalesce(length(fingerprint), 0) = 16 end
    ),
    constraint only_a_key_expires check (idempotency_key_expires_at is null or idempotency_key is not null),
    constraint an_error_has_a_message check (
        last_error_message is not null or (last_error_code is null and last_error_details is null)
    )
) with (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 1,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 2000
);

-- statement
-- What may be claimed: of each lane, the longest available first. What is not due yet stands behind what is.
create index events_ready on enginehouse.events (lane_id, available_at, event_id) where status = 'queued';

-- statement
-- The same for engines that prefer the events of one scenario run. What is queued has neither a lock nor an end.
--
-- This index and the next three have predicates of their own, so that no statement can be planned with another one than its
-- own: to a planner that counted while there was little, each would seem as good as the other.
create index events_ready_of_run on enginehouse.events (scenario_run_id, lane_id, available_at, event_id)
where scenario_run_id is not null and lock_expires_at is null and finished_at is null;

-- statement
-- What is cancelled if nobody claims it, the next one to expire first. Events without an expiry are not in it.
create index events_expiry on enginehouse.events (expires_at, event_id)
where expires_at is not null and lock_expires_at is null and finished_at is null;

-- statement
-- The locks, the next one to expire first.
create index events_lock_expiry on enginehouse.events (lock_expires_at, event_id) where lock_expires_at is not null;

-- statement
-- The locks of each engine, the longest given first.
create index events_locks_of_engine on enginehouse.events (engine_id, lock_given_by, event_id)
where lock_given_by is not null;

-- statement
-- A key belongs to one event, until that is deleted, or the key is taken from it.
create unique index events_idempotency_key on enginehouse.events (idempotency_key) where idempotency_key is not null;

-- statement
-- What retention forgets first, by what it is kept for.
create index events_completed on enginehouse.events (finished_at, event_id) where status = 'completed';

-- statement
create index events_failed_or_cancelled on enginehouse.events (finished_at, event_id)
where status in ('failed', 'cancelled') and dead_letter_reason is null;

-- statement
-- To list what went wrong, newest first, without a look at what did not.
create index events_failed_or_cancelled_newest on enginehouse.events (status, event_id)
where status in ('failed', 'cancelled');

-- statement
-- The events of a scenario run.
create index events_of_run on enginehouse.events (scenario_run_id, event_id) where scenario_run_id is not null;

-- statement
-- Payloads as they were sent, byte for byte: the type json keeps the text and can be asked for its fields. The checksum is
-- the first eight bytes of the text's SHA-256: a payload that does not match it was damaged, and is not given out. Whoever
-- changes a payload by hand sets it to null, which nothing is compared with.
create table enginehouse.event_payloads (
    event_id uuid not null,
    payload json not null,
    checksum bigint,
    constraint event_payloads_key primary key (event_id),
    constraint a_payload_is_at_most_256_kib check (octet_length(payload::text) <= 262144)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

-- statement
-- One row per attempt that did not complete its event. `available_at` is since when the event had its place in the queue.
create table enginehouse.attempts (
    event_id uuid not null,
    lock_serial bigint not null,
    attempt bigint not null,
    engine_id enginehouse.name not null,
    outcome text collate "C" not null,
    claimed_at timestamptz not null,
    ended_at timestamptz not null,
    error_code text collate "C",
    error_message text collate "C",
    error_details json,
    available_at timestamptz not null,
    engine_software_version text collate "C",
    constraint attempts_key primary key (event_id, lock_serial),
    constraint outcome_is_known check (
        outcome = 'failed' or outcome = 'timed_out' or outcome = 'stuck' or outcome = 'lost' or outcome = 'released'
    ),
    constraint only_a_release_has_no_error check ((outcome = 'released') = (error_message is null))
);

-- statement
-- What engines have reported of attempts, those under way and those that completed their events included: what they have used
-- since they began, how far they are, what the next attempt may continue from, and the last lines of their logs. An attempt of
-- which nothing was reported has no row. `log_bytes` is how many bytes the log has had so far. Pages have room: no index holds
-- anything that a report changes, and what is not changed of a long value is not written anew.
create table enginehouse.attempt_reports (
    event_id uuid not null,
    lock_serial bigint not null,
    reported_at timestamptz not null,
    cpu_ms bigint,
    max_memory_kb bigint,
    gpu_ms bigint,
    progress_at timestamptz,
    progress_basis_points bigint,
    progress_message text collate "C",
    log_url text collate "C",
    checkpoint json,
    log_bytes bigint,
    log text collate "C",
    constraint attempt_reports_key primary key (event_id, lock_serial),
    constraint no_usage_is_negative check (cpu_ms >= 0 and max_memory_kb >= 0 and gpu_ms >= 0),
    constraint progress_is_a_part_of_a_whole check (progress_basis_points between 0 and 10000),
    constraint progress_has_its_time check (
        progress_at is not null or (progress_basis_points is null and progress_message is null)
    ),
    constraint a_checkpoint_is_at_most_16_kib check (octet_length(checkpoint::text) <= 16384),
    constraint a_log_is_counted check ((log is null) = (log_bytes is null) and octet_length(log) <= log_bytes)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500);

-- statement
-- Finally failed events that wait for a person. The error itself is the last one of the event; here is what groups it.
create table enginehouse.dead_letters (
    event_id uuid not null,
    event_type enginehouse.name not null,
    queue enginehouse.name not null,
    reason text collate "C" not null,
    dead_lettered_at timestamptz not null,
    error_code text collate "C",
    error_group text collate "C" not null,
    -- A hash of what groups it: what filters call the group.
    group_id text collate "C" not null,
    constraint dead_letters_key primary key (event_id),
    constraint reason_is_known check (
        reason = 'retries_exhausted' or reason = 'rejected' or reason = 'requested' or reason = 'lost_too_often'
        or reason = 'blocked'
    )
);

-- statement
-- Groups are read in order, so that counting them sorts nothing.
create index dead_letters_groups on enginehouse.dead_letters (
    event_type, reason, error_code, error_group, dead_lettered_at, event_id
);

-- statement
-- What event types set for their events. Those that have a `pause` are paused: since when, and why.
create table enginehouse.event_types (
    event_type enginehouse.name not null,
    retry_policy enginehouse.json_object,
    visibility_timeout_seconds bigint,
    max_processing_seconds bigint,
    hold_back_after_seconds bigint,
    priority_aging_seconds bigint,
    when_blocked enginehouse.json_object,
    progress_timeout_seconds bigint,
    quarantine text collate "C",
    pause enginehouse.json_object,
    constraint event_types_key primary key (event_type),
    constraint a_visibility_timeout_is_at_most_7_days check (visibility_timeout_seconds between 1 and 604800),
    constraint processing_takes_at_most_30_days check (max_processing_seconds between 1 and 2592000),
    constraint progress_takes_at_most_30_days check (progress_timeout_seconds between 1 and 2592000),
    constraint quarantine_is_known check (quarantine = 'off' or quarantine = 'advise' or quarantine = 'enforce'),
    constraint an_engine_is_held_back_after_at_most_30_days check (hold_back_after_seconds between 0 and 2592000),
    constraint a_priority_rises_after_at_most_30_days check (priority_aging_seconds between 0 and 2592000)
);

-- statement
-- The same of queues.
create table enginehouse.queues (
    queue enginehouse.name not null,
    retry_policy enginehouse.json_object,
    visibility_timeout_seconds bigint,
    max_processing_seconds bigint,
    hold_back_after_seconds bigint,
    priority_aging_seconds bigint,
    when_blocked enginehouse.json_object,
    progress_timeout_seconds bigint,
    quarantine text collate "C",
    pause enginehouse.json_object,
    constraint queues_key primary key (queue),
    constraint a_visibility_timeout_is_at_most_7_days check (visibility_timeout_seconds between 1 and 604800),
    constraint processing_takes_at_most_30_days check (max_processing_seconds between 1 and 2592000),
    constraint progress_takes_at_most_30_days check (progress_timeout_seconds between 1 and 2592000),
    constraint quarantine_is_known check (quarantine = 'off' or quarantine = 'advise' or quarantine = 'enforce'),
    constraint an_engine_is_held_back_after_at_most_30_days check (hold_back_after_seconds between 0 and 2592000),
    constraint a_priority_rises_after_at_most_30_days check (priority_aging_seconds between 0 and 2592000)
);

-- statement
-- How long events of a type waited and took, each day, with engines of each version: how many milliseconds in all, and how
-- many durations are in each bucket, as an object. An empty version stands for none. Servers add to a row every few seconds,
-- in its page, for which there is room.
create table enginehouse.duration_histograms (
    event_type enginehouse.name not null,
    engine_version text collate "C" not null,
    day timestamptz not null,
    kind text collate "C" not null,
    total_ms bigint not null,
    buckets enginehouse.bucket_counts not null,
    constraint duration_histograms_key primary key (event_type, engine_version, day, kind),
    constraint a_version_is_short check (length(engine_version) <= 128),
    constraint kind_is_known check (kind = 'waiting' or kind = 'processing'),
    constraint a_sum_can_be_added_to check (total_ms between 0 and 4000000000000000000)
) with (fillfactor = 50);

-- statement
-- The oldest days, which are forgotten first.
create index duration_histograms_day on enginehouse.duration_histograms (day);

-- statement
-- What happened to events of a type in a queue, each minute: counts, and how long events waited and took, in milliseconds in all
-- and as counts by bucket. Without a queue and an event type it is of all that were not told apart. Servers add to a row every
-- few seconds, in its page, for which there is room.
create table enginehouse.event_minutes (
    minute timestamptz not null,
    queue text collate "C" not null,
    event_type text collate "C" not null,
    enqueued bigint not null,
    claimed bigint not null,
    completed bigint not null,
    failed bigint not null,
    lost bigint not null,
    dead_lettered bigint not null,
    waiting_ms bigint not null,
    waiting_buckets enginehouse.bucket_counts not null,
    processing_ms bigint not null,
    processing_buckets enginehouse.bucket_counts not null,
    constraint event_minutes_key primary key (minute, queue, event_type),
    constraint a_minute_is_whole check (date_trunc('minute', minute, 'UTC') = minute),
    constraint a_queue_is_a_name_or_nothing check (queue = '' or enginehouse.is_name(queue)),
    constraint an_event_type_is_a_name_or_nothing check (event_type = '' or enginehouse.is_name(event_type)),
    constraint both_are_named_or_neither check ((queue = '') = (event_type = '')),
    constraint sums_can_be_added_to check (
        enqueued between 0 and 4000000000000000000 and claimed between 0 and 4000000000000000000
        and completed between 0 and 4000000000000000000 and failed between 0 and 4000000000000000000
        and lost between 0 and 4000000000000000000 and dead_lettered between 0 and 4000000000000000000
        and waiting_ms between 0 and 4000000000000000000 and processing_ms between 0 and 4000000000000000000
    )
) with (fillfactor = 50);

-- statement
-- Operations: one action on many events or engines, as far as it is. Its members are worked through in the order of their places;
-- those up to `done_to` have had their turn. `plan` is what was asked for.
create table enginehouse.operations (
    operation_id uuid not null,
    action text collate "C" not null,
    status text collate "C" not null,
    plan enginehouse.json_object not null,
    created_at timestamptz not null,
    created_by text collate "C" not null,
    started_at timestamptz,
    finished_at timestamptz,
    collected_to text collate "C",
    last_place bigint not null,
    total bigint not null,
    done_to bigint not null,
    changed bigint not null,
    conflicts bigint not null,
    failed bigint not null,
    next_at timestamptz not null,
    failure text collate "C",
    constraint operations_key primary key (operation_id),
    constraint action_is_known check (
        action = 'cancel_events' or action = 'retry_events' or action = 'redrive_events' or action = 'redrive_dead_letters'
        or action = 'discard_dead_letters' or action = 'drain_engines' or action = 'resume_engines'
        or action = 'deregister_engines' or action = 'quarantine_engines' or action = 'lift_quarantines'
    ),
    constraint status_is_known check (
        status = 'collecting' or status = 'running' or status = 'completed' or status = 'cancelled' or status = 'failed'
    ),
    constraint an_end_has_a_time check ((finished_at is null) = (status = 'collecting' or status = 'running')),
    constraint nothing_is_counted_below_zero check (
        last_place >= 0 and total >= 0 and done_to >= 0 and changed >= 0 and conflicts >= 0 and failed >= 0
    )
) with (fillfactor = 50);

-- statement
-- There are few of them.
create index operations_unfinished on enginehouse.operations (operation_id) where finished_at is null;

-- statement
create index operations_finished on enginehouse.operations (finished_at) where finished_at is not null;

-- statement
-- What an operation is about: one that was changed is taken away, as its own history tells of it; one that was not stays, with why.
create table enginehouse.operation_members (
    operation_id uuid not null,
    place bigint not null,
    target text collate "C" not null,
    outcome text collate "C",
    why text collate "C",
    constraint operation_members_key primary key (operation_id, place),
    constraint outcome_is_known check (outcome = 'conflict' or outcome = 'failed'),
    constraint what_was_not_changed_has_a_reason check ((outcome is null) = (why is null))
);

-- statement
-- Each once, however often it is found.
create unique index operation_members_target on enginehouse.operation_members (operation_id, target);

-- statement
-- What callers prove themselves with. Of a secret its SHA-256 is kept; after a rotation, of the one before, too, for a while.
create table enginehouse.tokens (
    accessor text collate "C" not null,
    name enginehouse.name not null,
    role text collate "C" not null,
    reads_payloads boolean not null,
    selectors enginehouse.json_object not null,
    allowed_addresses json not null default '[]',
    certificate_name text collate "C",
    secret_sha256 bytea not null,
    previous_sha256 bytea,
    previous_expires_at timestamptz,
    previous_last_used_at timestamptz,
    created_at timestamptz not null,
    created_by text collate "C" not null,
    not_before timestamptz,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    rotated_at timestamptz,
    revoked_at timestamptz,
    revoked_by text collate "C",
    constraint tokens_key primary key (accessor),
    constraint an_accessor_is_12_characters check (accessor ~ '^[a-z2-7]{12}$'),
    constraint role_is_known check (
        role = 'metrics' or role = 'viewer' or role = 'producer' or role = 'engine' or role = 'operator' or role = 'admin'
    ),
    constraint allowed_addresses_are_an_array check (json_typeof(allowed_addresses) = 'array'),
    constraint a_hash_has_32_bytes check (length(secret_sha256) = 32 and length(previous_sha256) = 32),
    constraint a_previous_secret_expires check ((previous_sha256 is null) = (previous_expires_at is null)),
    constraint who_revokes_is_known check ((revoked_at is null) = (revoked_by is null))
);

-- statement
-- A name is free again once its token is revoked.
create unique index tokens_name on enginehouse.tokens (name) where revoked_at is null;

-- statement
-- A certificate opens one token.
create unique index tokens_certificate_name on enginehouse.tokens (certificate_name)
where certificate_name is not null and revoked_at is null;

-- statement
-- What people did, to whatever `target` names, and what they were kept from. `position` and `hash` link an entry to the one before
-- it: whoever changes one afterwards is found out (`enginehouse audit verify`). They are null until a server has linked it, in a
-- transaction of its own, within a second: so nobody who writes an entry waits for somebody else who does.
create table enginehouse.audit_log (
    audit_id bigint not null generated always as identity,
    at timestamptz not null,
    request_id text collate "C",
    principal text collate "C" not null,
    address text collate "C",
    action text collate "C" not null,
    target text collate "C" not null,
    outcome text collate "C" not null,
    detail json not null,
    position bigint,
    hash bytea,
    constraint audit_log_key primary key (audit_id),
    constraint outcome_is_known check (outcome = 'done' or outcome = 'denied'),
    constraint a_link_is_whole check ((position is null) = (hash is null)),
    constraint a_link_has_32_bytes check (length(hash) = 32)
);

-- statement
-- Not unique: whoever gives an entry the place of another one is found out, and keeps nobody from writing the next.
create index audit_log_position on enginehouse.audit_log (position) where position is not null;

-- statement
-- What is not linked yet.
create index audit_log_unlinked on enginehouse.audit_log (audit_id) where position is null;

-- statement
create index audit_log_target on enginehouse.audit_log (target, audit_id);

-- statement
create index audit_log_at on enginehouse.audit_log (at, audit_id);

-- statement
-- The two ends of the chain: the newest entry that was linked (`head`), and the newest that retention has deleted (`deleted`). Who
-- links entries has locked the first row.
create table enginehouse.audit_chain (
    name text collate "C" not null,
    position bigint not null,
    hash bytea not null,
    constraint audit_chain_key primary key (name),
    constraint name_is_known check (name = 'head' or name = 'deleted'),
    constraint a_link_has_32_bytes check (length(hash) = 32)
) with (fillfactor = 50);

-- statement
-- How many events of each lane are in each status, as far as lane_changes were added up.
create table enginehouse.lane_counts (
    lane_id bigint not null,
    queued bigint not null,
    processing bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    constraint lane_counts_key primary key (lane_id)
) with (fillfactor = 50);

-- statement
-- The same for each scenario run of which an event is kept.
create table enginehouse.scenario_runs (
    scenario_run_id enginehouse.name not null,
    first_enqueued_at timestamptz not null,
    queued bigint not null,
    processing bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    last_activity_at timestamptz not null,
    -- How many events ended lately, as of then, in millionths: an end counts less the longer ago it is.
    ended_lately bigint not null,
    constraint scenario_runs_key primary key (scenario_run_id)
) with (fillfactor = 50);

-- statement
-- The scenario runs that are paused: since when, and why. Of these, no event is claimed.
create table enginehouse.run_pauses (
    scenario_run_id enginehouse.name not null,
    pause enginehouse.json_object not null,
    constraint run_pauses_key primary key (scenario_run_id)
);

-- statement
-- What each transaction has changed in each lane: by how much each count, and from when on the first of the events that it
-- put there may be claimed. Added up into lane_counts and scenario_runs after a while; until then, it tells other servers
-- what is new.
create table enginehouse.lane_changes (
    changed_by xid8 not null default pg_current_xact_id(),
    changed_at timestamptz not null default clock_timestamp(),
    lane_id bigint not null,
    scenario_run_id enginehouse.name,
    queued bigint not null default 0,
    processing bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    cancelled bigint not null default 0,
    first_available_at timestamptz,
    first_enqueued_at timestamptz,
    -- When events of the run were enqueued or changed their status, and how many ended, if any.
    active_at timestamptz,
    ended bigint not null default 0
) with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 1);

-- statement
create index lane_changes_changed_by on enginehouse.lane_changes (changed_by);

-- statement
-- For people with a database shell: events in words.
create view enginehouse.event_overview as
select
    e.event_id,
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
from enginehouse.events as e
left join enginehouse.lanes as l on l.lane_id = e.lane_id
left join enginehouse.event_payloads as p on p.event_id = e.event_id;

-- statement
insert into enginehouse.schema_version (version, name, oldest_compatible) values (1, 'engines_and_events', 1);
