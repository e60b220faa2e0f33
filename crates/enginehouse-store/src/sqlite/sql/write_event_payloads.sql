-- Replace the payload of an event.
update event_payloads
set payload = ?, checksum = ?
where event_id = ?;
