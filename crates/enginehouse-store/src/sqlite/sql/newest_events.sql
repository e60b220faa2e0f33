-- What a search looks at, newest first: events before an id, from where the fewest have to be looked at.
select e.event_id, e.status, e.lane_id, e.engine_id, e.enqueued_at
from {source}
order by e.event_id desc
limit ?2;
