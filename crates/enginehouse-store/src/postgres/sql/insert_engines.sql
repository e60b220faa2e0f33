-- Add engines that were not there: one that another transaction adds meanwhile is an error.
insert into enginehouse.engines (
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
)
select *
from unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::boolean[], $10::boolean[], $11::json[]
);
