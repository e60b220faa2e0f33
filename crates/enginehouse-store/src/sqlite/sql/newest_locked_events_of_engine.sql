-- What a search looks at, newest first: events before an id that an engine holds.
select event_id, status, lane_id, engine_id, enqueued_at
from events indexed by events_locks_of_engine
where status = 'processing' and engine_id = ?3 and event_id < ?1
order by event_id desc
limit ?2;
