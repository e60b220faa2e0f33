-- Queued events whose expiry has come, in their order, from a moment on before which there are none. What another transaction
-- works on is left out.
select {e.event_columns}
from enginehouse.events as e
where
    e.expires_at is not null and e.lock_expires_at is null and e.finished_at is null
    and e.expires_at <= $1 and e.expires_at >= $2
order by e.expires_at, e.event_id
limit $3
for no key update skip locked;
