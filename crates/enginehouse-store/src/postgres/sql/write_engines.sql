-- Replace engines.
update enginehouse.engines as e
set
    engine_type = c.engine_type, epoch = c.epoch, status = c.status, heartbeat_interval_ms = c.heartbeat_interval_ms,
    registered_at = c.registered_at, last_heartbeat_at = c.last_heartbeat_at, lost_due_at = c.lost_due_at,
    draining = c.draining, stop_when_drained = c.stop_when_drained, metadata = c.metadata
from unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::boolean[], $10::boolean[], $11::json[]
) as c (
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
)
where e.engine_id = c.engine_id
returning e.engine_id;
