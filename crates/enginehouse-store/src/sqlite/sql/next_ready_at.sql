-- When the next event of a lane that is not due yet comes due.
select available_at
from events indexed by events_ready
where status = 'queued' and lane_id = ?1 and available_at > ?2
order by available_at
limit 1;
