-- Completed events that have been kept long enough, the oldest first, from a moment on before which there are none.
select finished_at, event_id
from enginehouse.events
where status = 'completed' and finished_at < $1 and finished_at >= $2
order by finished_at, event_id
limit $3
for no key update skip locked;
