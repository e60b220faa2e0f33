-- Events that completed before a moment, the oldest first.
select finished_at, event_id
from events indexed by events_completed
where status = 'completed' and finished_at < ?1
order by finished_at, event_id
limit ?2;
