-- An event, without its payload.
select {event_columns}
from events
where event_id = ?1;
