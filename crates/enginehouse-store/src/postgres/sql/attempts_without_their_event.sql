-- Attempts whose event is missing.
select distinct a.event_id::text
from enginehouse.attempts as a
left join enginehouse.events as e on e.event_id = a.event_id
where e.event_id is null
limit 100;
