-- Every lock, by engine; and whether its event was lost before.
select engine_id, event_id, lane_id, claimed_at, lock_visibility_timeout_ms, losses > 0
from events indexed by events_locks_of_engine
where status = 'processing'
order by engine_id, event_id;
