-- When the next engine is lost unless it sends a heartbeat.
select min(lost_due_at)
from engines indexed by engines_lost_due
where lost_due_at is not null;
