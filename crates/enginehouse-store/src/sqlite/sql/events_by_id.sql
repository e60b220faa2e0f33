-- An event, without its payload.
select
    event_id, lane_id, enqueued_at,
    status, attempt, retries, failures, losses, redrives, available_at, claimed_at, finished_at, engine_id,
    lock_holder, lock_serial, lock_secret, lock_engine_epoch, lock_expires_at, lock_visibility_timeout_ms,
    lock_max_processing_ms, lock_unlisted_heartbeats, settled_by, cancel_requested, dead_letter_reason,
    last_error_code, last_error_message, last_error_details, result,
    scenario_run_id, idempotency_key, visibility_timeout_ms, max_processing_ms, retry_policy, labels
from events
where event_id = ?1;
