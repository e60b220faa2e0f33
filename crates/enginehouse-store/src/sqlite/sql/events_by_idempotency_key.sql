-- The event that has an idempotency key.
select event_id, fingerprint, idempotency_key_expires_at
from events
where idempotency_key = ?1;
