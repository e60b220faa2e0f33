-- The payload of an event.
select payload, checksum
from event_payloads
where event_id = ?1;
