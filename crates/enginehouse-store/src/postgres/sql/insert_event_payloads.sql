-- Add the payloads of events, as they were sent.
insert into enginehouse.event_payloads (event_id, payload)
select *
from unnest($1::uuid[], $2::json[]);
