-- What a search looks at, newest first: the events of a scenario run before an id.
select event_id, status, lane_id, engine_id, enqueued_at
from events indexed by events_of_run
where scenario_run_id = ?3 and event_id < ?1
order by event_id desc
limit ?2;
