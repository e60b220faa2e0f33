-- What a search looks at, newest first: failed or cancelled events before an id.
select event_id, status, lane_id, engine_id, enqueued_at
from events indexed by events_failed_or_cancelled_newest
where status in ('failed', 'cancelled') and status = ?3 and event_id < ?1
order by event_id desc
limit ?2;
