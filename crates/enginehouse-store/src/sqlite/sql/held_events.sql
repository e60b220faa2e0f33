-- The events that an engine holds.
select {event_columns}
from events indexed by events_locks_of_engine
where status = 'processing' and engine_id = ?1;
