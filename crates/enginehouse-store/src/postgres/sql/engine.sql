-- An engine.
select
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
from enginehouse.engines
where engine_id = $1;
