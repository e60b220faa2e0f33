-- Engines that should have spoken up by a moment, the longest overdue first.
select
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
from engines indexed by engines_lost_due
where lost_due_at <= ?1
order by lost_due_at, engine_id
limit ?2;
