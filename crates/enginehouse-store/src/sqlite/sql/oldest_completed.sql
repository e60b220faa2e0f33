-- When the oldest completed event finished.
select min(finished_at)
from events indexed by events_completed
where status = 'completed';
