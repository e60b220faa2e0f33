-- Reports whose event is missing.
select distinct r.event_id::text
from enginehouse.attempt_reports as r
left join enginehouse.events as e on e.event_id = r.event_id
where e.event_id is null
limit 100;
