-- Add the payload of an event.
insert into event_payloads ({payload_columns})
values ({payload_values});
