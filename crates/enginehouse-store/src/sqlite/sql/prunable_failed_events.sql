-- Events that failed or were cancelled before a moment, the oldest first. A dead letter waits for a person.
select finished_at, event_id
from events indexed by events_failed_or_cancelled
where status in ('failed', 'cancelled') and dead_letter_reason is null and finished_at < ?1
order by finished_at, event_id
limit ?2;
