-- The first queued event of a lane, whether or not it is due.
select event_id
from events indexed by events_ready
where status = 'queued' and lane_id = ?1
order by available_at, event_id
limit 1;
