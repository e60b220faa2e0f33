-- Engines that should have sent a heartbeat by a moment, the longest overdue first.
select {engine_columns}
from engines indexed by engines_lost_due
where lost_due_at <= ?1
order by lost_due_at, engine_id
limit ?2;
