-- Events whose payload or lane is missing.
select e.event_id::text
from enginehouse.events as e
left join enginehouse.event_payloads as p on p.event_id = e.event_id
left join enginehouse.lanes as l on l.lane_id = e.lane_id
where p.event_id is null or l.lane_id is null
limit 100;
