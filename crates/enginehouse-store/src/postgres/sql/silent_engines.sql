-- Engines that should have spoken up by a moment, the latest first. What another transaction works on is left out.
select
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
from enginehouse.engines
where lost_due_at <= $1
order by lost_due_at, engine_id
limit $2
for no key update skip locked;
