-- Failed and cancelled events that have been kept long enough, dead letters aside, the oldest first.
select finished_at, event_id
from enginehouse.events
where
    status in ('failed', 'cancelled') and dead_letter_reason is null and finished_at < $1 and finished_at >= $2
order by finished_at, event_id
limit $3
for no key update skip locked;
