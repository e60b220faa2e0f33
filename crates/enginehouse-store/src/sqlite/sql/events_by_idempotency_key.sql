-- The event that is kept under an idempotency key.
select event_id, fingerprint
from events
where idempotency_key = ?1;
