-- Of each lane, the events that have been due the longest, from a place on. They are taken for this transaction alone;
-- what another one has taken is left out. The place is where work was last found, so that a claim does not step over all that
-- was claimed before and cannot be vacuumed yet.
select
    e.event_id, e.lane_id, e.enqueued_at,
    e.status, e.attempt, e.retries, e.failures, e.losses, e.redrives, e.available_at, e.claimed_at, e.finished_at, e.engine_id,
    e.lock_holder, e.lock_serial, e.lock_secret, e.lock_engine_epoch, e.lock_expires_at, e.lock_visibility_timeout_ms,
    e.lock_max_processing_ms, e.lock_unlisted_heartbeats, e.settled_by, e.cancel_requested, e.dead_letter_reason,
    e.last_error_code, e.last_error_message, e.last_error_details, e.result,
    e.scenario_run_id, e.idempotency_key, e.visibility_timeout_ms, e.max_processing_ms, e.retry_policy, e.labels
from unnest($1::bigint[], $2::timestamptz[], $3::uuid[]) with ordinality as r (lane_id, from_at, from_id, place)
cross join lateral (
    select q.*
    from enginehouse.events as q
    where
        q.status = 'queued' and q.lane_id = r.lane_id and q.available_at <= $4
        and (q.available_at, q.event_id) >= (r.from_at, r.from_id)
    order by q.available_at, q.event_id
    limit $5
    for no key update skip locked
) as e
order by r.place, e.available_at, e.event_id;
