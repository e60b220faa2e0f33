-- Engines, events and all that is kept about them.
--
-- Times are milliseconds since 1970 in UTC, and the ids of events are the 16 bytes of a UUID, which sort as their texts do and
-- take less than half of the room, in every index again; the view event_overview shows both for people. A line that says
-- "-- statement" ends one statement and begins the next, so that any migration tool can run the file.

-- statement
-- Which migrations have been applied. Servers that know the version `oldest_compatible`, or a later one, work with the
-- schema as it is after the migration. The newest number is in the file's header too, as its user_version.
create table schema_version (
    version integer not null primary key,
    name text not null,
    oldest_compatible integer not null,
    applied_at integer not null,
    constraint oldest_compatible_is_a_version check (oldest_compatible between 1 and version)
) strict;

-- statement
-- Single numbers: registry_version; its value when settings and tokens were last changed and engines last deleted; last_time, which no
-- transaction has come behind; generation, the high part of epochs and lock serials, and home, where the file was served last,
-- which tells when to raise it; and until when nothing is pruned, because the clock has jumped.
create table meta (
    key text not null primary key,
    value integer not null
) strict, without rowid;

-- statement
insert into meta (key, value)
values
    ('registry_version', 0), ('settings_version', 0), ('tokens_version', 0), ('engines_deleted_version', 0),
    ('last_time', 0), ('generation', 0), ('home', 0), ('pruning_held_until', 0);

-- statement
-- `registry_version` is that of the last change that others have copies of.
create table engines (
    engine_id text not null primary key,
    engine_type text not null,
    epoch integer not null,
    status text not null,
    heartbeat_interval_ms integer not null,
    registered_at integer not null,
    last_heartbeat_at integer not null,
    lost_due_at integer,
    draining integer not null,
    stop_when_drained integer not null,
    metadata text not null,
    quarantine text,
    automatic_quarantines text,
    session_sha256 blob,
    registered_by text,
    takeovers_counted_until integer,
    registry_version integer not null default 0,
    constraint an_engine_id_is_a_name check (
        engine_id glob '[A-Za-z0-9]*' and engine_id not glob '*[^A-Za-z0-9._:-]*' and length(engine_id) <= 200
    ),
    constraint an_engine_type_is_a_name check (
        engine_type glob '[A-Za-z0-9]*' and engine_type not glob '*[^A-Za-z0-9._:-]*' and length(engine_type) <= 200
    ),
    constraint status_is_known check (
        status = 'active' or status = 'draining' or status = 'lost' or status = 'stopped'
    ),
    constraint a_session_hash_has_32_bytes check (length(session_sha256) = 32),
    constraint an_epoch_counts_from_one check (epoch >= 1),
    constraint draining_is_yes_or_no check (draining in (0, 1) and stop_when_drained in (0, 1)),
    constraint metadata_is_json check (json_valid(metadata)),
    constraint quarantine_is_json check (json_valid(quarantine)),
    constraint automatic_quarantines_are_json check (json_valid(automatic_quarantines))
) strict, without rowid;

-- statement
-- The engines that are lost unless they send a heartbeat, the next one first.
create index engines_lost_due on engines (lost_due_at, engine_id) where lost_due_at is not null;

-- statement
-- What has not been read yet.
create index engines_registry_version on engines (registry_version);

-- statement
-- All that decides which engine may have an event. A number is never given twice. `suspended_run` is the scenario run whose events these
-- are, where that was paused while they waited.
create table lanes (
    lane_id integer not null primary key autoincrement,
    queue text not null,
    event_type text not null,
    priority integer not null,
    required_capabilities text not null,
    required_memory_mb integer,
    engine_version text,
    suspended_run text,
    constraint a_queue_is_a_name check (
        queue glob '[A-Za-z0-9]*' and queue not glob '*[^A-Za-z0-9._:-]*' and length(queue) <= 200
    ),
    constraint an_event_type_is_a_name check (
        event_type glob '[A-Za-z0-9]*' and event_type not glob '*[^A-Za-z0-9._:-]*' and length(event_type) <= 200
    ),
    constraint a_suspended_run_is_a_name check (
        suspended_run glob '[A-Za-z0-9]*' and suspended_run not glob '*[^A-Za-z0-9._:-]*' and length(suspended_run) <= 200
    ),
    constraint a_version_range_is_short check (length(engine_version) <= 128),
    constraint priority_is_one_digit check (priority between 0 and 9),
    constraint memory_is_at_most_a_pebibyte check (required_memory_mb between 1 and 1073741824)
) strict;

-- statement
-- Equal requirements are one lane. A null equals nothing, hence the words in its place.
create unique index lanes_key on lanes (
    queue, event_type, priority, required_capabilities, coalesce(required_memory_mb, 0), coalesce(engine_version, ''),
    coalesce(suspended_run, '')
);

-- statement
-- One row per event, without its payload: SQLite writes a changed row anew from its first byte to its last. What may be
-- long stands last, so that a look at the rest does not read it.
--
-- `result_checksum` tells a result that was damaged, as `checksum` does beside a payload.
--
-- The lane is not a foreign key: to check one, SQLite would look at every event whenever a lane is forgotten. No
-- constraint has a list of more than two values: SQLite would build a table of them whenever a statement runs.
create table events (
    event_id blob not null primary key,
    lane_id integer not null,
    status text not null default 'queued',
    attempt integer not null default 0,
    retries integer not null default 0,
    failures integer not null default 0,
    losses integer not null default 0,
    redrives integer not null default 0,
    enqueued_at integer not null,
    available_at integer not null,
    claimed_at integer,
    finished_at integer,
    engine_id text,
    lock_holder text,
    lock_serial integer not null default 0,
    lock_secret blob,
    lock_engine_epoch integer,
    lock_expires_at integer,
    lock_visibility_timeout_ms integer,
    lock_max_processing_ms integer,
    lock_progress_timeout_ms integer,
    lock_progress_due_at integer,
    lock_unlisted_heartbeats integer,
    settled_by text,
    cancel_requested integer not null default 0,
    dead_letter_reason text,
    engine_software_version text,
    reported_lock_serial integer,
    scenario_run_id text,
    idempotency_key text,
    idempotency_key_expires_at integer,
    fingerprint blob,
    visibility_timeout_ms integer,
    max_processing_ms integer,
    progress_timeout_ms integer,
    retry_policy text,
    labels text,
    traceparent text,
    expires_at integer,
    last_error_code text,
    last_error_message text,
    last_error_details text,
    result_checksum integer,
    result text,
    constraint an_event_id_is_a_uuid check (length(event_id) = 16),
    constraint status_is_known check (
        status = 'queued' or status = 'processing' or status = 'completed' or status = 'failed' or status = 'cancelled'
    ),
    constraint processing_needs_a_lock check ((status = 'processing') = (lock_holder is not null)),
    constraint a_lock_is_whole check (
        case
            when lock_holder is null then
                lock_engine_epoch is null and lock_expires_at is null and lock_visibility_timeout_ms is null
                and lock_max_processing_ms is null and lock_unlisted_heartbeats is null
                and lock_progress_timeout_ms is null and lock_progress_due_at is null
            else
                lock_holder is 'processing_by_' || engine_id and claimed_at is not null and lock_secret is not null
                and lock_engine_epoch is not null and lock_expires_at is not null
                and lock_visibility_timeout_ms is not null and lock_unlisted_heartbeats is not null
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
    constraint a_scenario_run_id_is_a_name check (
        scenario_run_id glob '[A-Za-z0-9]*' and scenario_run_id not glob '*[^A-Za-z0-9._:-]*'
        and length(scenario_run_id) <= 200
    ),
    constraint a_key_is_one_line check (
        length(idempotency_key) between 1 and 256
        and idempotency_key not glob '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
    ),
    constraint a_traceparent_names_a_span check (
        traceparent glob '??-????????????????????????????????-????????????????-??'
        and replace(traceparent, '-', '') not glob '*[^0-9a-f]*' and length(replace(traceparent, '-', '')) = 52
        and traceparent not glob 'ff*' and substr(traceparent, 4, 32) glob '*[^0]*'
        and substr(traceparent, 37, 16) glob '*[^0]*'
    ),
    constraint a_visibility_timeout_is_at_most_7_days check (visibility_timeout_ms between 1 and 604800000),
    constraint processing_takes_at_most_30_days check (max_processing_ms between 1 and 2592000000),
    constraint progress_takes_at_most_30_days check (progress_timeout_ms between 1 and 2592000000),
    constraint no_count_is_negative check (
        lock_serial >= 0 and attempt >= 0 and retries >= 0 and failures >= 0 and losses >= 0 and redrives >= 0
    ),
    constraint a_dead_letter_has_failed check (dead_letter_reason is null or status = 'failed'),
    constraint reason_is_known check (
        dead_letter_reason = 'retries_exhausted' or dead_letter_reason = 'rejected' or dead_letter_reason = 'requested'
        or dead_letter_reason = 'lost_too_often' or dead_letter_reason = 'blocked'
    ),
    constraint a_key_has_a_fingerprint check (
        case when idempotency_key is null then fingerprint is null else length(fingerprint) is 16 end
    ),
    constraint only_a_key_expires check (idempotency_key_expires_at is null or idempotency_key is not null),
    constraint cancel_is_requested_or_not check (cancel_requested in (0, 1)),
    constraint an_error_has_a_message check (
        last_error_message is not null or (last_error_code is null and last_error_details is null)
    )
) strict, without rowid;

-- statement
-- What may be claimed: of each lane, the longest available first. What is not due yet stands behind what is.
create index events_ready on events (lane_id, available_at, event_id) where status = 'queued';

-- statement
-- The same for engines that prefer the events of one scenario run.
create index events_ready_of_run on events (scenario_run_id, lane_id, available_at, event_id)
where status = 'queued' and scenario_run_id is not null;

-- statement
-- What is cancelled if nobody claims it, the next one to expire first. Events without an expiry are not in it.
create index events_expiry on events (expires_at, event_id) where status = 'queued' and expires_at is not null;

-- statement
-- The locks, the next one to expire first.
create index events_lock_expiry on events (lock_expires_at, event_id) where status = 'processing';

-- statement
-- The locks of each engine; with the scenario run, to tell which engines work on a run.
create index events_locks_of_engine on events (engine_id, event_id, scenario_run_id) where status = 'processing';

-- statement
-- A key belongs to one event, until that is deleted, or the key is taken from it.
create unique index events_idempotency_key on events (idempotency_key) where idempotency_key is not null;

-- statement
-- What retention forgets first, by what it is kept for.
create index events_completed on events (finished_at, event_id) where status = 'completed';

-- statement
create index events_failed_or_cancelled on events (finished_at, event_id)
where status in ('failed', 'cancelled') and dead_letter_reason is null;

-- statement
-- To list what went wrong, newest first, without a look at what did not.
create index events_failed_or_cancelled_newest on events (status, event_id) where status in ('failed', 'cancelled');

-- statement
-- The events of a scenario run.
create index events_of_run on events (scenario_run_id, event_id) where scenario_run_id is not null;

-- statement
-- Payloads as they were sent, byte for byte. The checksum is the first eight bytes of the text's SHA-256: a payload that does
-- not match it was damaged, and is not given out. Whoever changes a payload by hand sets it to null, which nothing is
-- compared with.
create table event_payloads (
    event_id blob not null primary key references events (event_id) on delete cascade,
    checksum integer,
    payload text not null,
    constraint a_payload_is_at_most_256_kib check (length(cast(payload as blob)) <= 262144)
) strict, without rowid;

-- statement
-- One row per attempt that did not complete its event. `available_at` is since when the event had its place in the queue.
create table attempts (
    event_id blob not null references events (event_id) on delete cascade,
    lock_serial integer not null,
    attempt integer not null,
    engine_id text not null,
    outcome text not null,
    claimed_at integer not null,
    ended_at integer not null,
    error_code text,
    error_message text,
    error_details text,
    available_at integer not null,
    engine_software_version text,
    constraint attempts_key primary key (event_id, lock_serial),
    constraint outcome_is_known check (
        outcome = 'failed' or outcome = 'timed_out' or outcome = 'stuck' or outcome = 'lost' or outcome = 'released'
    ),
    constraint only_a_release_has_no_error check ((outcome = 'released') = (error_message is null))
) strict, without rowid;

-- statement
-- What engines have reported of attempts, those under way and those that completed their events included: what they have used
-- since they began, how far they are, what the next attempt may continue from, and the last lines of their logs. An attempt of
-- which nothing was reported has no row. `log_bytes` is how many bytes the log has had so far.
create table attempt_reports (
    event_id blob not null references events (event_id) on delete cascade,
    lock_serial integer not null,
    reported_at integer not null,
    cpu_ms integer,
    max_memory_kb integer,
    gpu_ms integer,
    progress_at integer,
    progress_basis_points integer,
    progress_message text,
    log_url text,
    checkpoint text,
    log_bytes integer,
    log text,
    constraint attempt_reports_key primary key (event_id, lock_serial),
    constraint no_usage_is_negative check (cpu_ms >= 0 and max_memory_kb >= 0 and gpu_ms >= 0),
    constraint progress_is_a_part_of_a_whole check (progress_basis_points between 0 and 10000),
    constraint progress_has_its_time check (
        progress_at is not null or (progress_basis_points is null and progress_message is null)
    ),
    constraint a_checkpoint_is_at_most_16_kib check (length(cast(checkpoint as blob)) <= 16384),
    constraint a_log_is_counted check ((log is null) = (log_bytes is null) and length(cast(log as blob)) <= log_bytes)
) strict, without rowid;

-- statement
-- Finally failed events that wait for a person. The error itself is the last one of the event; here is what groups it.
create table dead_letters (
    event_id blob not null primary key references events (event_id) on delete cascade,
    event_type text not null,
    queue text not null,
    reason text not null,
    dead_lettered_at integer not null,
    error_code text,
    error_group text not null,
    -- A hash of what groups it: what filters call the group.
    group_id text not null,
    constraint reason_is_known check (
        reason = 'retries_exhausted' or reason = 'rejected' or reason = 'requested' or reason = 'lost_too_often'
        or reason = 'blocked'
    )
) strict, without rowid;

-- statement
-- Groups are read in order, so that counting them sorts nothing.
create index dead_letters_groups on dead_letters (
    event_type, reason, error_code, error_group, dead_lettered_at, event_id
);

-- statement
-- What event types set for their events. Those that have a `pause` are paused: since when, and why.
create table event_types (
    event_type text not null primary key,
    retry_policy text,
    visibility_timeout_seconds integer,
    max_processing_seconds integer,
    hold_back_after_seconds integer,
    priority_aging_seconds integer,
    when_blocked text,
    progress_timeout_seconds integer,
    quarantine text,
    pause text,
    constraint a_visibility_timeout_is_at_most_7_days check (visibility_timeout_seconds between 1 and 604800),
    constraint processing_takes_at_most_30_days check (max_processing_seconds between 1 and 2592000),
    constraint an_engine_is_held_back_after_at_most_30_days check (hold_back_after_seconds between 0 and 2592000),
    constraint a_priority_rises_after_at_most_30_days check (priority_aging_seconds between 0 and 2592000),
    constraint progress_takes_at_most_30_days check (progress_timeout_seconds between 1 and 2592000),
    constraint quarantine_is_known check (quarantine = 'off' or quarantine = 'advise' or quarantine = 'enforce'),
    constraint pause_is_json check (json_valid(pause))
) strict, without rowid;

-- statement
-- The same of queues.
create table queues (
    queue text not null primary key,
    retry_policy text,
    visibility_timeout_seconds integer,
    max_processing_seconds integer,
    hold_back_after_seconds integer,
    priority_aging_seconds integer,
    when_blocked text,
    progress_timeout_seconds integer,
    quarantine text,
    pause text,
    constraint a_visibility_timeout_is_at_most_7_days check (visibility_timeout_seconds between 1 and 604800),
    constraint processing_takes_at_most_30_days check (max_processing_seconds between 1 and 2592000),
    constraint an_engine_is_held_back_after_at_most_30_days check (hold_back_after_seconds between 0 and 2592000),
    constraint a_priority_rises_after_at_most_30_days check (priority_aging_seconds between 0 and 2592000),
    constraint progress_takes_at_most_30_days check (progress_timeout_seconds between 1 and 2592000),
    constraint quarantine_is_known check (quarantine = 'off' or quarantine = 'advise' or quarantine = 'enforce'),
    constraint pause_is_json check (json_valid(pause))
) strict, without rowid;

-- statement
-- How long events of a type waited and took, each day, with engines of each version: how many milliseconds in all, and how
-- many durations are in each bucket, as an object. An empty version stands for none. Servers add to a row every few seconds.
create table duration_histograms (
    event_type text not null,
    engine_version text not null,
    day integer not null,
    kind text not null,
    total_ms integer not null,
    buckets text not null,
    constraint duration_histograms_key primary key (event_type, engine_version, day, kind),
    constraint an_event_type_is_a_name check (
        event_type glob '[A-Za-z0-9]*' and event_type not glob '*[^A-Za-z0-9._:-]*' and length(event_type) <= 200
    ),
    constraint a_version_is_short check (length(engine_version) <= 128),
    constraint kind_is_known check (kind = 'waiting' or kind = 'processing'),
    constraint a_sum_can_be_added_to check (total_ms between 0 and 4000000000000000000),
    constraint buckets_are_json check (json_valid(buckets))
) strict, without rowid;

-- statement
-- The oldest days, which are forgotten first.
create index duration_histograms_day on duration_histograms (day);

-- statement
-- What happened to events of a type in a queue, each minute: counts, and how long events waited and took, in milliseconds in all
-- and as counts by bucket. Without a queue and an event type it is of all that were not told apart. Servers add to a row every
-- few seconds.
create table event_minutes (
    minute integer not null,
    queue text not null,
    event_type text not null,
    enqueued integer not null,
    claimed integer not null,
    completed integer not null,
    failed integer not null,
    lost integer not null,
    dead_lettered integer not null,
    waiting_ms integer not null,
    waiting_buckets text not null,
    processing_ms integer not null,
    processing_buckets text not null,
    constraint event_minutes_key primary key (minute, queue, event_type),
    constraint a_minute_is_whole check (minute % 60000 = 0),
    constraint a_queue_is_a_name_or_nothing check (
        queue = '' or queue glob '[A-Za-z0-9]*' and queue not glob '*[^A-Za-z0-9._:-]*' and length(queue) <= 200
    ),
    constraint an_event_type_is_a_name_or_nothing check (
        event_type = ''
        or event_type glob '[A-Za-z0-9]*' and event_type not glob '*[^A-Za-z0-9._:-]*' and length(event_type) <= 200
    ),
    constraint both_are_named_or_neither check ((queue = '') = (event_type = '')),
    constraint sums_can_be_added_to check (
        enqueued between 0 and 4000000000000000000 and claimed between 0 and 4000000000000000000
        and completed between 0 and 4000000000000000000 and failed between 0 and 4000000000000000000
        and lost between 0 and 4000000000000000000 and dead_lettered between 0 and 4000000000000000000
        and waiting_ms between 0 and 4000000000000000000 and processing_ms between 0 and 4000000000000000000
    ),
    constraint buckets_are_json check (json_valid(waiting_buckets) and json_valid(processing_buckets))
) strict, without rowid;

-- statement
-- Operations: one action on many events or engines, as far as it is. Its members are worked through in the order of their places;
-- those up to `done_to` have had their turn. `plan` is what was asked for.
create table operations (
    operation_id blob not null primary key,
    action text not null,
    status text not null,
    plan text not null,
    created_at integer not null,
    created_by text not null,
    started_at integer,
    finished_at integer,
    collected_to text,
    last_place integer not null,
    total integer not null,
    done_to integer not null,
    changed integer not null,
    conflicts integer not null,
    failed integer not null,
    next_at integer not null,
    failure text,
    constraint an_operation_id_is_a_uuid check (length(operation_id) = 16),
    constraint action_is_known check (
        action = 'cancel_events' or action = 'retry_events' or action = 'redrive_events' or action = 'redrive_dead_letters'
        or action = 'discard_dead_letters' or action = 'drain_engines' or action = 'resume_engines'
        or action = 'deregister_engines' or action = 'quarantine_engines' or action = 'lift_quarantines'
    ),
    constraint status_is_known check (
        status = 'collecting' or status = 'running' or status = 'completed' or status = 'cancelled' or status = 'failed'
    ),
    constraint plan_is_json check (json_valid(plan)),
    constraint an_end_has_a_time check ((finished_at is null) = (status = 'collecting' or status = 'running')),
    constraint nothing_is_counted_below_zero check (
        last_place >= 0 and total >= 0 and done_to >= 0 and changed >= 0 and conflicts >= 0 and failed >= 0
    )
) strict, without rowid;

-- statement
-- There are few of them.
create index operations_unfinished on operations (operation_id) where finished_at is null;

-- statement
create index operations_finished on operations (finished_at) where finished_at is not null;

-- statement
-- What an operation is about: one that was changed is taken away, as its own history tells of it; one that was not stays, with why.
create table operation_members (
    operation_id blob not null,
    place integer not null,
    target text not null,
    outcome text,
    why text,
    constraint operation_members_key primary key (operation_id, place),
    constraint outcome_is_known check (outcome = 'conflict' or outcome = 'failed'),
    constraint what_was_not_changed_has_a_reason check ((outcome is null) = (why is null))
) strict, without rowid;

-- statement
-- Each once, however often it is found.
create unique index operation_members_target on operation_members (operation_id, target);

-- statement
-- What callers prove themselves with. Of a secret its SHA-256 is kept; after a rotation, of the one before, too, for a while.
create table tokens (
    accessor text not null primary key,
    name text not null,
    role text not null,
    reads_payloads integer not null,
    selectors text not null,
    allowed_addresses text not null default '[]',
    certificate_name text,
    secret_sha256 blob not null,
    previous_sha256 blob,
    previous_expires_at integer,
    previous_last_used_at integer,
    created_at integer not null,
    created_by text not null,
    not_before integer,
    expires_at integer not null,
    last_used_at integer,
    rotated_at integer,
    revoked_at integer,
    revoked_by text,
    constraint an_accessor_is_12_characters check (length(accessor) = 12 and accessor not glob '*[^a-z2-7]*'),
    constraint a_token_name_is_a_name check (
        name glob '[A-Za-z0-9]*' and name not glob '*[^A-Za-z0-9._:-]*' and length(name) <= 200
    ),
    constraint role_is_known check (
        role = 'metrics' or role = 'viewer' or role = 'producer' or role = 'engine' or role = 'operator' or role = 'admin'
    ),
    constraint reads_payloads_is_yes_or_no check (reads_payloads in (0, 1)),
    constraint selectors_are_json check (json_valid(selectors)),
    constraint allowed_addresses_are_json check (json_valid(allowed_addresses)),
    constraint a_hash_has_32_bytes check (length(secret_sha256) = 32 and length(previous_sha256) = 32),
    constraint a_previous_secret_expires check ((previous_sha256 is null) = (previous_expires_at is null)),
    constraint who_revokes_is_known check ((revoked_at is null) = (revoked_by is null))
) strict, without rowid;

-- statement
-- A name is free again once its token is revoked.
create unique index tokens_name on tokens (name) where revoked_at is null;

-- statement
-- A certificate opens one token.
create unique index tokens_certificate_name on tokens (certificate_name)
where certificate_name is not null and revoked_at is null;

-- statement
-- What people did, to whatever `target` names, and what they were kept from. `position` and `hash` link an entry to the one before
-- it: whoever changes one afterwards is found out (`enginehouse audit verify`).
create table audit_log (
    audit_id integer not null primary key autoincrement,
    at integer not null,
    request_id text,
    principal text not null,
    address text,
    action text not null,
    target text not null,
    outcome text not null,
    detail text not null,
    position integer,
    hash blob,
    constraint outcome_is_known check (outcome = 'done' or outcome = 'denied'),
    constraint detail_is_json check (json_valid(detail)),
    constraint a_link_is_whole check ((position is null) = (hash is null)),
    constraint a_link_has_32_bytes check (length(hash) = 32)
) strict;

-- statement
-- Not unique: whoever gives an entry the place of another one is found out, and keeps nobody from writing the next.
create index audit_log_position on audit_log (position) where position is not null;

-- statement
-- What is not linked yet.
create index audit_log_unlinked on audit_log (audit_id) where position is null;

-- statement
create index audit_log_target on audit_log (target, audit_id);

-- statement
create index audit_log_at on audit_log (at, audit_id);

-- statement
-- The two ends of the chain: the newest entry that was linked (`head`), and the newest that retention has deleted (`deleted`).
create table audit_chain (
    name text not null primary key,
    position integer not null,
    hash blob not null,
    constraint name_is_known check (name = 'head' or name = 'deleted'),
    constraint a_link_has_32_bytes check (length(hash) = 32)
) strict, without rowid;

-- statement
-- How many events of each lane are in each status: kept with every change, so that nobody has to count.
create table lane_counts (
    lane_id integer not null references lanes (lane_id) on delete cascade,
    status text not null,
    events integer not null,
    constraint lane_counts_key primary key (lane_id, status)
) strict, without rowid;

-- statement
-- The same for each scenario run of which an event is kept.
create table scenario_runs (
    scenario_run_id text not null primary key,
    first_enqueued_at integer not null,
    queued integer not null,
    processing integer not null,
    completed integer not null,
    failed integer not null,
    cancelled integer not null,
    last_activity_at integer not null,
    -- How many events ended lately, as of then, in millionths: an end counts less the longer ago it is.
    ended_lately integer not null
) strict, without rowid;

-- statement
-- The scenario runs that are paused: since when, and why. Of these, no event is claimed.
create table run_pauses (
    scenario_run_id text not null primary key,
    pause text not null,
    constraint a_scenario_run_id_is_a_name check (
        scenario_run_id glob '[A-Za-z0-9]*' and scenario_run_id not glob '*[^A-Za-z0-9._:-]*'
        and length(scenario_run_id) <= 200
    ),
    constraint pause_is_json check (json_valid(pause))
) strict, without rowid;

-- statement
-- For people with a database shell: events in words, with readable times.
create view event_overview as
select
    lower(
        substr(hex(e.event_id), 1, 8) || '-' || substr(hex(e.event_id), 9, 4) || '-' || substr(hex(e.event_id), 13, 4) || '-'
        || substr(hex(e.event_id), 17, 4) || '-' || substr(hex(e.event_id), 21)
    ) as event_id,
    e.status,
    l.event_type,
    l.queue,
    l.priority,
    e.attempt,
    e.retries,
    e.failures,
    e.losses,
    e.lock_holder,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.lock_expires_at / 1000.0, 'unixepoch') as lock_expires_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.enqueued_at / 1000.0, 'unixepoch') as enqueued_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.available_at / 1000.0, 'unixepoch') as available_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.finished_at / 1000.0, 'unixepoch') as finished_at,
    e.scenario_run_id,
    e.dead_letter_reason,
    e.last_error_code,
    e.last_error_message,
    p.payload
from events as e
left join lanes as l on l.lane_id = e.lane_id
left join event_payloads as p on p.event_id = e.event_id;

-- statement
-- Milliseconds, in words that older versions of SQLite have too.
insert into schema_version (version, name, oldest_compatible, applied_at)
values (1, 'engines_and_events', 1, cast((julianday('now') - 2440587.5) * 86400000 as integer));

-- statement
-- Marks the file as one of Enginehouse: EHSE.
pragma application_id = 1162367813;

-- statement
pragma user_version = 1;
