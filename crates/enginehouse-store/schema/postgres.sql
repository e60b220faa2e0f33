-- What the migrations add up to. Written by the test `the_schema_file_is_fresh`.

create table enginehouse.attempt_reports (
    event_id uuid not null,
    lock_serial bigint not null,
    reported_at timestamp with time zone not null,
    cpu_ms bigint,
    max_memory_kb bigint,
    gpu_ms bigint,
    progress_at timestamp with time zone,
    progress_basis_points bigint,
    progress_message text collate "C",
    log_url text collate "C",
    checkpoint json,
    log_bytes bigint,
    log text collate "C",
    constraint attempt_reports_key PRIMARY KEY (event_id, lock_serial),
    constraint a_checkpoint_is_at_most_16_kib CHECK (octet_length(checkpoint::text) <= 16384),
    constraint a_log_is_counted CHECK ((log IS NULL) = (log_bytes IS NULL) AND octet_length(log) <= log_bytes),
    constraint no_usage_is_negative CHECK (cpu_ms >= 0 AND max_memory_kb >= 0 AND gpu_ms >= 0),
    constraint progress_has_its_time CHECK (progress_at IS NOT NULL OR progress_basis_points IS NULL AND progress_message IS NULL),
    constraint progress_is_a_part_of_a_whole CHECK (progress_basis_points >= 0 AND progress_basis_points <= 10000)
) with (autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=500, fillfactor=50);

create table enginehouse.attempts (
    event_id uuid not null,
    lock_serial bigint not null,
    attempt bigint not null,
    engine_id enginehouse.name not null,
    outcome text collate "C" not null,
    claimed_at timestamp with time zone not null,
    ended_at timestamp with time zone not null,
    error_code text collate "C",
    error_message text collate "C",
    error_details json,
    available_at timestamp with time zone not null,
    engine_software_version text collate "C",
    constraint attempts_key PRIMARY KEY (event_id, lock_serial),
    constraint only_a_release_has_no_error CHECK ((outcome = 'released'::text) = (error_message IS NULL)),
    constraint outcome_is_known CHECK (outcome = 'failed'::text OR outcome = 'timed_out'::text OR outcome = 'stuck'::text OR outcome = 'lost'::text OR outcome = 'released'::text)
);

create table enginehouse.audit_chain (
    name text collate "C" not null,
    "position" bigint not null,
    hash bytea not null,
    constraint audit_chain_key PRIMARY KEY (name),
    constraint a_link_has_32_bytes CHECK (length(hash) = 32),
    constraint name_is_known CHECK (name = 'head'::text OR name = 'deleted'::text)
) with (fillfactor=50);

create table enginehouse.audit_log (
    audit_id bigint not null generated always as identity,
    at timestamp with time zone not null,
    request_id text collate "C",
    principal text collate "C" not null,
    address text collate "C",
    action text collate "C" not null,
    target text collate "C" not null,
    outcome text collate "C" not null,
    detail json not null,
    "position" bigint,
    hash bytea,
    constraint audit_log_key PRIMARY KEY (audit_id),
    constraint a_link_has_32_bytes CHECK (length(hash) = 32),
    constraint a_link_is_whole CHECK (("position" IS NULL) = (hash IS NULL)),
    constraint outcome_is_known CHECK (outcome = 'done'::text OR outcome = 'denied'::text)
);

CREATE INDEX audit_log_at ON enginehouse.audit_log USING btree (at, audit_id);

CREATE INDEX audit_log_position ON enginehouse.audit_log USING btree ("position") WHERE ("position" IS NOT NULL);

CREATE INDEX audit_log_target ON enginehouse.audit_log USING btree (target, audit_id);

CREATE INDEX audit_log_unlinked ON enginehouse.audit_log USING btree (audit_id) WHERE ("position" IS NULL);

create table enginehouse.dead_letters (
    event_id uuid not null,
    event_type enginehouse.name not null,
    queue enginehouse.name not null,
    reason text collate "C" not null,
    dead_lettered_at timestamp with time zone not null,
    error_code text collate "C",
    error_group text collate "C" not null,
    group_id text collate "C" not null,
    constraint dead_letters_key PRIMARY KEY (event_id),
    constraint reason_is_known CHECK (reason = 'retries_exhausted'::text OR reason = 'rejected'::text OR reason = 'requested'::text OR reason = 'lost_too_often'::text OR reason = 'blocked'::text)
);

CREATE INDEX dead_letters_groups ON enginehouse.dead_letters USING btree (event_type, reason, error_code, error_group, dead_lettered_at, event_id);

create table enginehouse.duration_histograms (
    event_type enginehouse.name not null,
    engine_version text collate "C" not null,
    day timestamp with time zone not null,
    kind text collate "C" not null,
    total_ms bigint not null,
    buckets enginehouse.bucket_counts not null,
    constraint duration_histograms_key PRIMARY KEY (event_type, engine_version, day, kind),
    constraint a_sum_can_be_added_to CHECK (total_ms >= 0 AND total_ms <= '4000000000000000000'::bigint),
    constraint a_version_is_short CHECK (length(engine_version) <= 128),
    constraint kind_is_known CHECK (kind = 'waiting'::text OR kind = 'processing'::text)
) with (fillfactor=50);

CREATE INDEX duration_histograms_day ON enginehouse.duration_histograms USING btree (day);

create table enginehouse.engines (
    engine_id enginehouse.name not null,
    engine_type enginehouse.name not null,
    epoch bigint not null,
    status text collate "C" not null,
    heartbeat_interval_ms bigint not null,
    registered_at timestamp with time zone not null,
    last_heartbeat_at timestamp with time zone not null,
    lost_due_at timestamp with time zone,
    draining boolean not null,
    stop_when_drained boolean not null,
    metadata enginehouse.json_object not null,
    quarantine enginehouse.json_object,
    automatic_quarantines json,
    session_sha256 bytea,
    registered_by text collate "C",
    takeovers_counted_until timestamp with time zone,
    registry_version bigint not null default 0,
    constraint engines_key PRIMARY KEY (engine_id),
    constraint a_session_hash_has_32_bytes CHECK (length(session_sha256) = 32),
    constraint an_epoch_counts_from_one CHECK (epoch >= 1),
    constraint status_is_known CHECK (status = 'active'::text OR status = 'draining'::text OR status = 'lost'::text OR status = 'stopped'::text)
) with (autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=500, fillfactor=50);

CREATE INDEX engines_registry_version ON enginehouse.engines USING btree (registry_version);

create table enginehouse.enqueue_grants (
    role_name text collate "C" not null,
    queue text collate "C" not null,
    event_type text collate "C" not null,
    granted_at timestamp with time zone not null,
    constraint enqueue_grants_key PRIMARY KEY (role_name, queue, event_type),
    constraint a_grant_names_what_it_is_for CHECK (queue ~ '^([A-Za-z0-9][A-Za-z0-9._:-]{0,199})?[*]?$'::text AND queue <> ''::text AND event_type ~ '^([A-Za-z0-9][A-Za-z0-9._:-]{0,199})?[*]?$'::text AND event_type <> ''::text)
);

create table enginehouse.event_minutes (
    minute timestamp with time zone not null,
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
    constraint event_minutes_key PRIMARY KEY (minute, queue, event_type),
    constraint a_minute_is_whole CHECK (date_trunc('minute'::text, minute, 'UTC'::text) = minute),
    constraint a_queue_is_a_name_or_nothing CHECK (queue = ''::text OR enginehouse.is_name(queue)),
    constraint an_event_type_is_a_name_or_nothing CHECK (event_type = ''::text OR enginehouse.is_name(event_type)),
    constraint both_are_named_or_neither CHECK ((queue = ''::text) = (event_type = ''::text)),
    constraint sums_can_be_added_to CHECK (enqueued >= 0 AND enqueued <= '4000000000000000000'::bigint AND claimed >= 0 AND claimed <= '4000000000000000000'::bigint AND completed >= 0 AND completed <= '4000000000000000000'::bigint AND failed >= 0 AND failed <= '4000000000000000000'::bigint AND lost >= 0 AND lost <= '4000000000000000000'::bigint AND dead_lettered >= 0 AND dead_lettered <= '4000000000000000000'::bigint AND waiting_ms >= 0 AND waiting_ms <= '4000000000000000000'::bigint AND processing_ms >= 0 AND processing_ms <= '4000000000000000000'::bigint)
) with (fillfactor=50);

create table enginehouse.event_payloads (
    event_id uuid not null,
    payload json not null,
    checksum bigint,
    constraint event_payloads_key PRIMARY KEY (event_id),
    constraint a_payload_is_at_most_256_kib CHECK (octet_length(payload::text) <= 262144)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=2000);

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
    constraint event_types_key PRIMARY KEY (event_type),
    constraint a_priority_rises_after_at_most_30_days CHECK (priority_aging_seconds >= 0 AND priority_aging_seconds <= 2592000),
    constraint a_visibility_timeout_is_at_most_7_days CHECK (visibility_timeout_seconds >= 1 AND visibility_timeout_seconds <= 604800),
    constraint an_engine_is_held_back_after_at_most_30_days CHECK (hold_back_after_seconds >= 0 AND hold_back_after_seconds <= 2592000),
    constraint processing_takes_at_most_30_days CHECK (max_processing_seconds >= 1 AND max_processing_seconds <= 2592000),
    constraint progress_takes_at_most_30_days CHECK (progress_timeout_seconds >= 1 AND progress_timeout_seconds <= 2592000),
    constraint quarantine_is_known CHECK (quarantine = 'off'::text OR quarantine = 'advise'::text OR quarantine = 'enforce'::text)
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
    idempotency_key_expires_at timestamp with time zone,
    expires_at timestamp with time zone,
    lock_engine_epoch bigint,
    lock_visibility_timeout_ms bigint,
    lock_max_processing_ms bigint,
    lock_progress_timeout_ms bigint,
    lock_progress_due_at timestamp with time zone,
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
    status text collate "C" not null default 'queued'::text,
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
    constraint events_key PRIMARY KEY (event_id),
    constraint a_dead_letter_has_failed CHECK (dead_letter_reason IS NULL OR status = 'failed'::text),
    constraint a_key_has_a_fingerprint CHECK (
CASE
    WHEN idempotency_key IS NULL THEN fingerprint IS NULL
    ELSE COALESCE(length(fingerprint), 0) = 16
END),
    constraint a_lock_is_whole CHECK (
CASE
    WHEN lock_holder IS NULL THEN lock_engine_epoch IS NULL AND lock_expires_at IS NULL AND lock_visibility_timeout_ms IS NULL AND lock_max_processing_ms IS NULL AND lock_unlisted_heartbeats IS NULL AND lock_given_by IS NULL AND lock_progress_timeout_ms IS NULL AND lock_progress_due_at IS NULL
    ELSE engine_id IS NOT NULL AND lock_holder = ('processing_by_'::text || engine_id::text) AND claimed_at IS NOT NULL AND lock_secret IS NOT NULL AND lock_engine_epoch IS NOT NULL AND lock_expires_at IS NOT NULL AND lock_visibility_timeout_ms IS NOT NULL AND lock_unlisted_heartbeats IS NOT NULL AND lock_given_by IS NOT NULL AND (lock_progress_timeout_ms IS NULL) = (lock_progress_due_at IS NULL)
END),
    constraint a_secret_is_of_a_lock CHECK (
CASE
    WHEN lock_secret IS NULL THEN settled_by IS NULL
    ELSE length(lock_secret) = 16 AND lock_serial > 0 AND (lock_holder IS NOT NULL) <> (settled_by IS NOT NULL)
END),
    constraint an_error_has_a_message CHECK (last_error_message IS NOT NULL OR last_error_code IS NULL AND last_error_details IS NULL),
    constraint finished_in_a_final_status CHECK ((status = 'completed'::text OR status = 'failed'::text OR status = 'cancelled'::text) = (finished_at IS NOT NULL)),
    constraint no_count_is_negative CHECK (lock_serial >= 0 AND attempt >= 0 AND retries >= 0 AND failures >= 0 AND losses >= 0 AND redrives >= 0),
    constraint only_a_key_expires CHECK (idempotency_key_expires_at IS NULL OR idempotency_key IS NOT NULL),
    constraint processing_needs_a_lock CHECK ((status = 'processing'::text) = (lock_holder IS NOT NULL)),
    constraint reason_is_known CHECK (dead_letter_reason = 'retries_exhausted'::text OR dead_letter_reason = 'rejected'::text OR dead_letter_reason = 'requested'::text OR dead_letter_reason = 'lost_too_often'::text OR dead_letter_reason = 'blocked'::text),
    constraint settled_in_a_known_way CHECK (settled_by = 'complete'::text OR settled_by = 'fail'::text OR settled_by = 'release'::text),
    constraint status_is_known CHECK (status = 'queued'::text OR status = 'processing'::text OR status = 'completed'::text OR status = 'failed'::text OR status = 'cancelled'::text)
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_analyze_threshold=2000, autovacuum_vacuum_cost_delay=1, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX events_completed ON enginehouse.events USING btree (finished_at, event_id) WHERE (status = 'completed'::text);

CREATE INDEX events_expiry ON enginehouse.events USING btree (expires_at, event_id) WHERE ((expires_at IS NOT NULL) AND (lock_expires_at IS NULL) AND (finished_at IS NULL));

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
    scenario_run_id enginehouse.name,
    queued bigint not null default 0,
    processing bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    cancelled bigint not null default 0,
    first_available_at timestamp with time zone,
    first_enqueued_at timestamp with time zone,
    active_at timestamp with time zone,
    ended bigint not null default 0
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
    constraint lanes_key PRIMARY KEY (lane_id),
    constraint memory_is_at_most_a_pebibyte CHECK (required_memory_mb >= 1 AND required_memory_mb <= 1073741824),
    constraint only_a_retired_lane_is_prunable CHECK (prunable_by IS NULL OR retired),
    constraint priority_is_one_digit CHECK (priority >= 0 AND priority <= 9)
);

CREATE INDEX lanes_changed_by ON enginehouse.lanes USING btree (changed_by);

CREATE UNIQUE INDEX lanes_requirements ON enginehouse.lanes USING btree (queue, event_type, priority, required_capabilities, COALESCE(required_memory_mb, (0)::bigint), COALESCE((engine_version)::text, ''::text), COALESCE((suspended_run)::text, ''::text));

create table enginehouse.meta (
    key text collate "C" not null,
    value bigint not null,
    constraint meta_key PRIMARY KEY (key)
) with (fillfactor=20);

create table enginehouse.operation_members (
    operation_id uuid not null,
    place bigint not null,
    target text collate "C" not null,
    outcome text collate "C",
    why text collate "C",
    constraint operation_members_key PRIMARY KEY (operation_id, place),
    constraint outcome_is_known CHECK (outcome = 'conflict'::text OR outcome = 'failed'::text),
    constraint what_was_not_changed_has_a_reason CHECK ((outcome IS NULL) = (why IS NULL))
);

CREATE UNIQUE INDEX operation_members_target ON enginehouse.operation_members USING btree (operation_id, target);

create table enginehouse.operations (
    operation_id uuid not null,
    action text collate "C" not null,
    status text collate "C" not null,
    plan enginehouse.json_object not null,
    created_at timestamp with time zone not null,
    created_by text collate "C" not null,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    collected_to text collate "C",
    last_place bigint not null,
    total bigint not null,
    done_to bigint not null,
    changed bigint not null,
    conflicts bigint not null,
    failed bigint not null,
    next_at timestamp with time zone not null,
    failure text collate "C",
    constraint operations_key PRIMARY KEY (operation_id),
    constraint action_is_known CHECK (action = 'cancel_events'::text OR action = 'retry_events'::text OR action = 'redrive_events'::text OR action = 'redrive_dead_letters'::text OR action = 'discard_dead_letters'::text OR action = 'drain_engines'::text OR action = 'resume_engines'::text OR action = 'deregister_engines'::text OR action = 'quarantine_engines'::text OR action = 'lift_quarantines'::text),
    constraint an_end_has_a_time CHECK ((finished_at IS NULL) = (status = 'collecting'::text OR status = 'running'::text)),
    constraint nothing_is_counted_below_zero CHECK (last_place >= 0 AND total >= 0 AND done_to >= 0 AND changed >= 0 AND conflicts >= 0 AND failed >= 0),
    constraint status_is_known CHECK (status = 'collecting'::text OR status = 'running'::text OR status = 'completed'::text OR status = 'cancelled'::text OR status = 'failed'::text)
) with (fillfactor=50);

CREATE INDEX operations_finished ON enginehouse.operations USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX operations_unfinished ON enginehouse.operations USING btree (operation_id) WHERE (finished_at IS NULL);

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
    constraint queues_key PRIMARY KEY (queue),
    constraint a_priority_rises_after_at_most_30_days CHECK (priority_aging_seconds >= 0 AND priority_aging_seconds <= 2592000),
    constraint a_visibility_timeout_is_at_most_7_days CHECK (visibility_timeout_seconds >= 1 AND visibility_timeout_seconds <= 604800),
    constraint an_engine_is_held_back_after_at_most_30_days CHECK (hold_back_after_seconds >= 0 AND hold_back_after_seconds <= 2592000),
    constraint processing_takes_at_most_30_days CHECK (max_processing_seconds >= 1 AND max_processing_seconds <= 2592000),
    constraint progress_takes_at_most_30_days CHECK (progress_timeout_seconds >= 1 AND progress_timeout_seconds <= 2592000),
    constraint quarantine_is_known CHECK (quarantine = 'off'::text OR quarantine = 'advise'::text OR quarantine = 'enforce'::text)
);

create table enginehouse.run_pauses (
    scenario_run_id enginehouse.name not null,
    pause enginehouse.json_object not null,
    constraint run_pauses_key PRIMARY KEY (scenario_run_id)
);

create table enginehouse.scenario_runs (
    scenario_run_id enginehouse.name not null,
    first_enqueued_at timestamp with time zone not null,
    queued bigint not null,
    processing bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    last_activity_at timestamp with time zone not null,
    ended_lately bigint not null,
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

create table enginehouse.tokens (
    accessor text collate "C" not null,
    name enginehouse.name not null,
    role text collate "C" not null,
    reads_payloads boolean not null,
    selectors enginehouse.json_object not null,
    allowed_addresses json not null default '[]'::json,
    certificate_name text collate "C",
    secret_sha256 bytea not null,
    previous_sha256 bytea,
    previous_expires_at timestamp with time zone,
    previous_last_used_at timestamp with time zone,
    created_at timestamp with time zone not null,
    created_by text collate "C" not null,
    not_before timestamp with time zone,
    expires_at timestamp with time zone not null,
    last_used_at timestamp with time zone,
    rotated_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text collate "C",
    constraint tokens_key PRIMARY KEY (accessor),
    constraint a_hash_has_32_bytes CHECK (length(secret_sha256) = 32 AND length(previous_sha256) = 32),
    constraint a_previous_secret_expires CHECK ((previous_sha256 IS NULL) = (previous_expires_at IS NULL)),
    constraint allowed_addresses_are_an_array CHECK (json_typeof(allowed_addresses) = 'array'::text),
    constraint an_accessor_is_12_characters CHECK (accessor ~ '^[a-z2-7]{12}$'::text),
    constraint role_is_known CHECK (role = 'metrics'::text OR role = 'viewer'::text OR role = 'producer'::text OR role = 'engine'::text OR role = 'operator'::text OR role = 'admin'::text),
    constraint who_revokes_is_known CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);

CREATE UNIQUE INDEX tokens_certificate_name ON enginehouse.tokens USING btree (certificate_name) WHERE ((certificate_name IS NOT NULL) AND (revoked_at IS NULL));

CREATE UNIQUE INDEX tokens_name ON enginehouse.tokens USING btree (name) WHERE (revoked_at IS NULL);

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

CREATE OR REPLACE FUNCTION enginehouse.add_events(drafts enginehouse.event_draft[], objects json[], at text)
 RETURNS TABLE(place bigint, event_id uuid, duplicate boolean)
 LANGUAGE plpgsql
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.as_count(value numeric)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (GREATEST(LEAST(value, ('1000000000000000'::bigint)::numeric), ('-1000000000000000'::bigint)::numeric))::bigint
;

CREATE OR REPLACE FUNCTION enginehouse.available_at(run_at timestamp with time zone, delay_seconds double precision, moment timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
RETURN LEAST(GREATEST(run_at, (moment + ((COALESCE(enginehouse.delay_ms(delay_seconds), (0)::bigint))::double precision * '00:00:00.001'::interval))), '9999-12-30 22:00:00+00'::timestamp with time zone)
;

CREATE OR REPLACE FUNCTION enginehouse.canonical_json(value json)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.capability_text(names text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
    return (
        select '[' || coalesce(string_agg(to_json(name)::text, ',' order by name collate "C"), '') || ']'
        from (select distinct unnest(names) as name) as capability
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.decayed(value bigint, since timestamp with time zone, now timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((NOT isfinite(since)) OR (NOT isfinite(now)) OR ((now - since) >= '01:00:00'::interval)) THEN (0)::bigint ELSE enginehouse.as_count((floor(((value)::double precision * exp(((- GREATEST((EXTRACT(epoch FROM (now - since)))::double precision, (0)::double precision)) / (300)::double precision)))))::numeric) END
;

CREATE OR REPLACE FUNCTION enginehouse.delay_ms(seconds double precision)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
RETURN (((floor(seconds))::bigint * 1000) + (ceil((round(((seconds - floor(seconds)) * ('1000000000'::numeric)::double precision)) / ('1000000'::numeric)::double precision)))::bigint)
;

CREATE OR REPLACE FUNCTION enginehouse.draft_errors(d enginehouse.event_draft, pointer text)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue(event_type text, payload json DEFAULT '{}'::json, queue text DEFAULT 'default'::text, priority integer DEFAULT 5, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, delay_seconds double precision DEFAULT NULL::double precision, required_capabilities text[] DEFAULT '{}'::text[], required_memory_mb bigint DEFAULT NULL::bigint, engine_version text DEFAULT NULL::text, scenario_run_id text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, idempotency_window_seconds bigint DEFAULT NULL::bigint, retry_policy json DEFAULT NULL::json, visibility_timeout_seconds bigint DEFAULT NULL::bigint, max_processing_seconds bigint DEFAULT NULL::bigint, progress_timeout_seconds bigint DEFAULT NULL::bigint, expires_after_seconds bigint DEFAULT NULL::bigint, labels json DEFAULT '{}'::json, traceparent text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
 SET jit TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue(event_type text, payload jsonb, queue text DEFAULT 'default'::text, priority integer DEFAULT 5, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, delay_seconds double precision DEFAULT NULL::double precision, required_capabilities text[] DEFAULT '{}'::text[], required_memory_mb bigint DEFAULT NULL::bigint, engine_version text DEFAULT NULL::text, scenario_run_id text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, idempotency_window_seconds bigint DEFAULT NULL::bigint, retry_policy json DEFAULT NULL::json, visibility_timeout_seconds bigint DEFAULT NULL::bigint, max_processing_seconds bigint DEFAULT NULL::bigint, progress_timeout_seconds bigint DEFAULT NULL::bigint, expires_after_seconds bigint DEFAULT NULL::bigint, labels json DEFAULT '{}'::json, traceparent text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE sql
RETURN enginehouse.enqueue(event_type, (payload)::json, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels, traceparent)
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue(event_type text, payload text, queue text DEFAULT 'default'::text, priority integer DEFAULT 5, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, delay_seconds double precision DEFAULT NULL::double precision, required_capabilities text[] DEFAULT '{}'::text[], required_memory_mb bigint DEFAULT NULL::bigint, engine_version text DEFAULT NULL::text, scenario_run_id text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, idempotency_window_seconds bigint DEFAULT NULL::bigint, retry_policy json DEFAULT NULL::json, visibility_timeout_seconds bigint DEFAULT NULL::bigint, max_processing_seconds bigint DEFAULT NULL::bigint, progress_timeout_seconds bigint DEFAULT NULL::bigint, expires_after_seconds bigint DEFAULT NULL::bigint, labels json DEFAULT '{}'::json, traceparent text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE sql
RETURN enginehouse.enqueue(event_type, (payload)::json, queue, priority, run_at, delay_seconds, required_capabilities, required_memory_mb, engine_version, scenario_run_id, idempotency_key, idempotency_window_seconds, retry_policy, visibility_timeout_seconds, max_processing_seconds, progress_timeout_seconds, expires_after_seconds, labels, traceparent)
;

CREATE OR REPLACE FUNCTION enginehouse.enqueue_many(events json)
 RETURNS TABLE(place bigint, event_id uuid, duplicate boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET standard_conforming_strings TO 'on'
 SET jit TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.fingerprint(d enginehouse.event_draft)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.is_granted(granted text, said text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN ("right"(granted, 1) = '*'::text) THEN (said ^@ "left"(granted, '-1'::integer)) ELSE (said = granted) END
;

CREATE OR REPLACE FUNCTION enginehouse.is_name(value text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((octet_length(value) <= 200) AND (value ~ '^[A-Za-z0-9][A-Za-z0-9._:-]*$'::text))
;

CREATE OR REPLACE FUNCTION enginehouse.is_one_line(value text, shortest integer)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((length(value) >= shortest) AND (length(value) <= 256)) AND (value !~ '[\u0001-\u001f\u007f-\u009f]'::text))
;

CREATE OR REPLACE FUNCTION enginehouse.is_version_range(value text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((octet_length(value) <= 128) AND (value !~ '[0-9]{20}'::text) AND (cardinality(string_to_array(value, ','::text)) <= 32) AND ((value ~ '^ *[*xX] *$'::text) OR ((value || ','::text) ~ '^(?: *(?:>=|<=|[=><~^])? *(?:0|[1-9][0-9]*)(?:\.[*xX](?:\.[*xX])?|\.(?:0|[1-9][0-9]*)(?:\.[*xX]|\.(?:0|[1-9][0-9]*)(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)? *,)+$'::text)))
;

CREATE OR REPLACE FUNCTION enginehouse.label_text(labels json)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
    return (
        select '{' || coalesce(string_agg(to_json(key) || ':' || to_json(value), ',' order by key collate "C"), '') || '}'
        from json_each_text(labels)
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.line_error(said text, shortest integer)
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN CASE WHEN (NOT enginehouse.is_one_line(said, shortest)) THEN enginehouse.must_be((('a string of '::text || CASE shortest WHEN 0 THEN 'at most'::text ELSE '1 to'::text END) || ' 256 characters, none of them a control character'::text), to_json(said)) ELSE NULL::text END
;

CREATE OR REPLACE FUNCTION enginehouse.must_be(what text, was json)
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN ((('must be '::text || what) || ', was '::text) || CASE json_typeof(was) WHEN 'object'::text THEN 'an object'::text WHEN 'array'::text THEN 'an array'::text ELSE ("left"((was)::text, 40) || CASE WHEN (length((was)::text) > 40) THEN '...'::text ELSE ''::text END) END)
;

CREATE OR REPLACE FUNCTION enginehouse.name_error(said text)
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN CASE WHEN (NOT enginehouse.is_name(said)) THEN enginehouse.must_be('a name: 1 to 200 characters of A-Z, a-z, 0-9, ''.'', ''_'', '':'' and ''-'', beginning with a letter or digit'::text, to_json(said)) ELSE NULL::text END
;

CREATE OR REPLACE FUNCTION enginehouse.payload_error(value json, depth integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.payload_text(payload json)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
    return replace(
        enginehouse.canonical_json(case
            when strpos(payload::text, '\u0000') = 0 then payload
            else regexp_replace(payload::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\uFFFF', 'g')::json
        end),
        chr(65535), '\u0000'
    );
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.pointer_step(key text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
RETURN (('/'::text || replace(replace("left"(key, 100), '~'::text, '~0'::text), '/'::text, '~1'::text)) || CASE WHEN (length(key) > 100) THEN '…'::text ELSE ''::text END)
;

CREATE OR REPLACE FUNCTION enginehouse.range_error(said anycompatible, kind text, lowest anycompatible, highest anycompatible)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
select case
    when said not between lowest and highest
        then enginehouse.must_be(kind || ' between ' || lowest::text || ' and ' || highest::text, to_json(said))
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.read_number(said text)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
begin
    return said::float8;
exception when data_exception then
    return 'NaN';
end
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.read_time(said text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 IMMUTABLE STRICT
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.read_whole_number(said text)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN (said ~ '^-?[0-9]+(\.0+)?$'::text) THEN ("left"(split_part(said, '.'::text, 1), 99))::numeric ELSE NULL::numeric END
;

CREATE OR REPLACE FUNCTION enginehouse.shape_errors(objects json[], at text)
 RETURNS TABLE(place bigint, error text)
 LANGUAGE sql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION enginehouse.time_error(moment timestamp with time zone, said json)
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN CASE WHEN ((moment < '1970-01-01 00:00:00+00'::timestamp with time zone) OR (moment > '9999-12-30 22:00:00+00'::timestamp with time zone)) THEN enginehouse.must_be('an RFC 3339 time between 1970 and 9999, such as 2026-11-23T10:00:00Z'::text, said) ELSE NULL::text END
;

CREATE OR REPLACE FUNCTION enginehouse.wake()
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'enginehouse', 'pg_temp'
RETURN pg_notify((((('engine'::text || 'house:'::text) || ("current_schema"())::text))::name)::text, ''::text)
;

create domain enginehouse.bucket_counts as json
constraint buckets_are_counts CHECK (VALUE::text ~ '^[{]("[0-9]{1,3}":[1-9][0-9]{0,15}(,"[0-9]{1,3}":[1-9][0-9]{0,15})*)?[}]$'::text);

create domain enginehouse.capability_set as text collate "C"
constraint capabilities_are_names CHECK (VALUE ~ '^\[(?:"[A-Za-z0-9][A-Za-z0-9._:-]*"(?:,"[A-Za-z0-9][A-Za-z0-9._:-]*")*)?\]$'::text);

create type enginehouse.event_draft as (
    event_type text,
    payload json,
    queue text,
    priority numeric,
    run_at timestamp with time zone,
    delay_seconds double precision,
    required_capabilities text[],
    required_memory_mb numeric,
    engine_version text,
    scenario_run_id text,
    idempotency_key text,
    idempotency_window_seconds numeric,
    retry_policy json,
    visibility_timeout_seconds numeric,
    max_processing_seconds numeric,
    progress_timeout_seconds numeric,
    expires_after_seconds numeric,
    labels json,
    traceparent text
);

create domain enginehouse.idempotency_key as text collate "C"
constraint a_key_is_one_line CHECK (enginehouse.is_one_line(VALUE, 1));

create domain enginehouse.json_object as json
constraint json_is_an_object CHECK (json_typeof(VALUE) = 'object'::text);

create domain enginehouse.max_processing_ms as bigint
constraint processing_takes_at_most_30_days CHECK (VALUE >= 1 AND VALUE <= '2592000000'::bigint);

create domain enginehouse.name as text collate "C"
constraint a_name_needs_no_quotes CHECK (enginehouse.is_name(VALUE));

create domain enginehouse.progress_timeout_ms as bigint
constraint progress_takes_at_most_30_days CHECK (VALUE >= 1 AND VALUE <= '2592000000'::bigint);

create domain enginehouse.traceparent as text collate "C"
constraint a_traceparent_names_a_span CHECK (VALUE ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'::text);

create domain enginehouse.version_range as text collate "C"
constraint a_version_range_can_be_read CHECK (enginehouse.is_version_range(VALUE));

create domain enginehouse.visibility_timeout_ms as bigint
constraint a_visibility_timeout_is_at_most_7_days CHECK (VALUE >= 1 AND VALUE <= 604800000);
