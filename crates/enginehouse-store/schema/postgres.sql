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

CREATE INDEX events_lock_expiry ON enginehouse.events USING btree (lock_expires_at, event_id) WHERE (status = 'processing'::text);

CREATE INDEX events_locks_of_engine ON enginehouse.events USING btree (engine_id, lock_given_by, event_id) WHERE (status = 'processing'::text);

CREATE INDEX events_of_run ON enginehouse.events USING btree (scenario_run_id, event_id) WHERE (scenario_run_id IS NOT NULL);

CREATE INDEX events_ready ON enginehouse.events USING btree (lane_id, available_at, event_id) WHERE (status = 'queued'::text);

CREATE INDEX events_ready_of_run ON enginehouse.events USING btree (scenario_run_id, lane_id, available_at, event_id) WHERE ((status = 'queued'::text) AND (scenario_run_id IS NOT NULL));

create table enginehouse.lane_changes (
    changed_by xid8 not null default pg_current_xact_id(),
    changed_at timestamp with time zone not null default clock_timestamp(),
    lane_id bigint not null,
    scenario_run_id text collate "C",
    status text collate "C" not null,
    events bigint not null,
    first_available_at timestamp with time zone,
    first_enqueued_at timestamp with time zone,
    constraint status_is_known CHECK (status = ANY (ARRAY['queued'::text, 'processing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))
) with (autovacuum_vacuum_cost_delay=1, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=5000);

CREATE INDEX lane_changes_changed_by ON enginehouse.lane_changes USING btree (changed_by);

create table enginehouse.lane_counts (
    lane_id bigint not null,
    status text collate "C" not null,
    events bigint not null,
    constraint lane_counts_key PRIMARY KEY (lane_id, status)
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
    breaking boolean not null,
    applied_at timestamp with time zone not null default date_trunc('milliseconds'::text, clock_timestamp()),
    constraint schema_version_key PRIMARY KEY (version)
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
