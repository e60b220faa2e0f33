-- Replace the payload of an event.
update event_payloads
set payload = ?2
where event_id = ?1;
