-- The payload of an event.
select payload
from event_payloads
where event_id = ?1;
