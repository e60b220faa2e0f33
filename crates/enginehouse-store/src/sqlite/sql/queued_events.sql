-- How many events of a lane are queued.
select events
from lane_counts
where lane_id = ?1 and status = 'queued';
