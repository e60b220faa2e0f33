-- Payloads whose event is missing.
select p.event_id::text
from enginehouse.event_payloads as p
left join enginehouse.events as e on e.event_id = p.event_id
where e.event_id is null
limit 100;
