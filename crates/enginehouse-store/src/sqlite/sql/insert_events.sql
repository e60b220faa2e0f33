-- Add an event, without its payload.
insert into events ({event_columns}, fingerprint)
values ({event_values}, ?);
