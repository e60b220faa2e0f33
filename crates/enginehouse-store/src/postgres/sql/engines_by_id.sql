-- Read engines for a change, or for what depends on them: nobody else changes them, or gives them events, before this
-- transaction ends.
select
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
from enginehouse.engines
where engine_id = any($1)
order by engine_id
for no key update;
