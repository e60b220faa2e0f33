-- Add the payload of an event.
insert into event_payloads (event_id, payload)
values (?1, ?2);
