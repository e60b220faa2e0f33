-- Events with their lanes and payloads, in the order asked, as long as those before hold no more than so many bytes.
select
    r.bytes, r.payload,
    r.queue, r.event_type, r.priority, r.required_capabilities, r.required_memory_mb, r.engine_version,
    r.event_id, r.lane_id, r.enqueued_at,
    r.status, r.attempt, r.retries, r.failures, r.losses, r.redrives, r.available_at, r.claimed_at, r.finished_at, r.engine_id,
    r.lock_holder, r.lock_serial, r.lock_secret, r.lock_engine_epoch, r.lock_expires_at, r.lock_visibility_timeout_ms,
    r.lock_max_processing_ms, r.lock_unlisted_heartbeats, r.settled_by, r.cancel_requested, r.dead_letter_reason,
    r.last_error_code, r.last_error_message, r.last_error_details, r.result,
    r.scenario_run_id, r.idempotency_key, r.visibility_timeout_ms, r.max_processing_ms, r.retry_policy, r.labels
from (
    select
        e.*, p.payload, l.queue, l.event_type, l.priority, l.required_capabilities, l.required_memory_mb, l.engine_version,
        a.place, s.bytes,
        sum(s.bytes) over (order by a.place rows between unbounded preceding and 1 preceding) as bytes_before
    from unnest($1::uuid[]) with ordinality as a (event_id, place)
    inner join enginehouse.events as e on e.event_id = a.event_id
    inner join enginehouse.lanes as l on l.lane_id = e.lane_id
    inner join enginehouse.event_payloads as p on p.event_id = a.event_id
    cross join lateral (
        select (octet_length(p.payload::text) + coalesce(octet_length(e.result::text), 0))::bigint as bytes
    ) as s
) as r
where coalesce(r.bytes_before, 0) < $2
order by r.place;
