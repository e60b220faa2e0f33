-- Queued events of a scenario run and a lane that are due, behind a place in their order.
select available_at, event_id
from events indexed by events_ready_of_run
where
    status = 'queued' and scenario_run_id = ?6 and lane_id = ?1 and available_at <= ?2 and (available_at, event_id) > (?3, ?4)
order by available_at, event_id
limit ?5;
