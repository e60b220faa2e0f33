-- Forget what was set for an event type.
delete from event_types
where event_type = ?1;
