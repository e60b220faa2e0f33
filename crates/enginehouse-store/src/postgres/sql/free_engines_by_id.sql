-- The same, but only those that no other transaction is at work for.
select
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
from enginehouse.engines
where engine_id = any($1)
order by engine_id
for no key update skip locked;
