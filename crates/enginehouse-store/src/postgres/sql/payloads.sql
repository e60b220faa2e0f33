-- The payloads of events.
select event_id, payload, checksum
from enginehouse.event_payloads
where event_id = any($1);
