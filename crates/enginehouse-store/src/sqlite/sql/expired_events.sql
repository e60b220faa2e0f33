-- Queued events whose expiry has come, in their order.
select event_id
from events indexed by events_expiry
where status = 'queued' and expires_at is not null and expires_at <= ?1
order by expires_at, event_id
limit ?2;
