-- What a search looks at, newest first: every event before an id.
select event_id, status, lane_id, engine_id, enqueued_at
from events
where event_id < ?1
order by event_id desc
limit ?2;
