-- Queued events of a scenario run and a lane that are due, in their order.
select available_at, event_id
from events indexed by events_ready_of_run
where status = 'queued' and scenario_run_id = ?1 and lane_id = ?2 and available_at <= ?3
order by available_at, event_id
limit ?4;
