-- Forget what holds for event types of a name.
delete from enginehouse.event_types
where event_type = $1;
