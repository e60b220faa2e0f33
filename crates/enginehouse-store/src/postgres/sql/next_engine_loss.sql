-- When the next engine is lost.
select min(lost_due_at)
from enginehouse.engines;
