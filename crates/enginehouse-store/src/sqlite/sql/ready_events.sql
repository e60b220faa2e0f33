-- Queued events of a lane that are due, behind a place in their order.
-- The ready index holds all that is asked: the scan ends at the first event that is not due.
select available_at, event_id
from events indexed by events_ready
where status = 'queued' and lane_id = ?1 and available_at <= ?2 and (available_at, event_id) > (?3, ?4)
order by available_at, event_id
limit ?5;
