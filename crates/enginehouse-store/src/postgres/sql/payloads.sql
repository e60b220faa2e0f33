-- The payloads of events.
select event_id, payload
from enginehouse.event_payloads
where event_id = any($1);
