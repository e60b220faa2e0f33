-- Add events that nobody has claimed yet.
insert into enginehouse.events (
    event_id, lane_id, enqueued_at, available_at, scenario_run_id, idempotency_key, fingerprint, visibility_timeout_ms,
    max_processing_ms, retry_policy, labels
)
select *
from unnest(
    $1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::bytea[], $8::bigint[],
    $9::bigint[], $10::json[], $11::json[]
);
