-- Locks that expire, in their order, from a moment on before which there are none. What another transaction works on is
-- left out.
select
    e.event_id, e.lane_id, e.enqueued_at,
    e.status, e.attempt, e.retries, e.failures, e.losses, e.redrives, e.available_at, e.claimed_at, e.finished_at, e.engine_id,
    e.lock_holder, e.lock_serial, e.lock_secret, e.lock_engine_epoch, e.lock_expires_at, e.lock_visibility_timeout_ms,
    e.lock_max_processing_ms, e.lock_unlisted_heartbeats, e.settled_by, e.cancel_requested, e.dead_letter_reason,
    e.last_error_code, e.last_error_message, e.last_error_details, e.result,
    e.scenario_run_id, e.idempotency_key, e.visibility_timeout_ms, e.max_processing_ms, e.retry_policy, e.labels
from enginehouse.events as e
where
    e.lock_expires_at <= $1 and e.lock_expires_at >= $2
    and (e.lock_expires_at, e.event_id) > ($3, $4)
order by e.lock_expires_at, e.event_id
limit $5
for no key update skip locked;
