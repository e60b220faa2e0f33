-- Replace the payload of an event.
update event_payloads
set payload = ?
where event_id = ?;
