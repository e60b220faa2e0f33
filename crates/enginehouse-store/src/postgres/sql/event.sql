-- One event, without its payload.
select {event_columns}
from enginehouse.events
where event_id = $1;
