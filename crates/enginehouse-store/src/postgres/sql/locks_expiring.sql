-- Locks that expire, in their order, from a moment on before which there are none. What another transaction works on is
-- left out.
select {e.event_columns}
from enginehouse.events as e
where
    e.lock_expires_at <= $1 and e.lock_expires_at >= $2
    and (e.lock_expires_at, e.event_id) > ($3, $4)
order by e.lock_expires_at, e.event_id
limit $5
for no key update skip locked;
