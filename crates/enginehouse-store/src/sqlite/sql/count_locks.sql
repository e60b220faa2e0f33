-- How many locks an engine holds.
select count(*)
from events indexed by events_locks_of_engine
where status = 'processing' and engine_id = ?1;
