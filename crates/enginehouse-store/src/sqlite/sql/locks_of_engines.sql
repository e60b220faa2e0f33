-- The locks that an engine holds.
select event_id, lane_id, lock_serial, lock_secret, claimed_at, cancel_requested
from events indexed by events_locks_of_engine
where status = 'processing' and engine_id = ?1
order by event_id;
