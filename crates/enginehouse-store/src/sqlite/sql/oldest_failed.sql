-- When the oldest failed or cancelled event did, dead letters aside.
select min(finished_at)
from events indexed by events_failed_or_cancelled
where status in ('failed', 'cancelled') and dead_letter_reason is null;
