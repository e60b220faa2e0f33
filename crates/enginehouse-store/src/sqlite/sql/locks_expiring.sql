-- Events whose lock has expired by a moment, behind a place in their order.
select event_id
from events indexed by events_lock_expiry
where status = 'processing' and lock_expires_at <= ?1 and (lock_expires_at, event_id) > (?2, ?3)
order by lock_expires_at, event_id
limit ?4;
