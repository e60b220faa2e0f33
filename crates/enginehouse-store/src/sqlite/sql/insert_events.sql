-- Add an event, without its payload.
insert into events (
    event_id, lane_id, enqueued_at,
    status, attempt, retries, failures, losses, redrives, available_at, claimed_at, finished_at, engine_id,
    lock_holder, lock_serial, lock_secret, lock_engine_epoch, lock_expires_at, lock_visibility_timeout_ms,
    lock_max_processing_ms, lock_unlisted_heartbeats, settled_by, cancel_requested, dead_letter_reason,
    last_error_code, last_error_message, last_error_details, result,
    scenario_run_id, idempotency_key, fingerprint, visibility_timeout_ms, max_processing_ms, retry_policy, labels
)
values (
    ?1, ?2, ?3,
    ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
    ?14, ?15, ?16, ?17, ?18, ?19,
    ?20, ?21, ?22, ?23, ?24,
    ?25, ?26, ?27, ?28,
    ?29, ?30, ?31, ?32, ?33, ?34, ?35
);
