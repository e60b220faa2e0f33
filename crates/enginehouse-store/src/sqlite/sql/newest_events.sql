-- What a search looks at, newest first: events before an id, from where the fewest have to be looked at. Labels are read only if
-- they are searched for.
select
    e.event_id, e.status, e.lane_id, e.engine_id, e.enqueued_at, e.available_at, e.scenario_run_id,
    case when ?4 then e.labels end
from {source}
order by e.event_id desc
limit ?2;
