-- Take from an event its idempotency key.
update events
set idempotency_key = null, fingerprint = null, idempotency_key_expires_at = null
where event_id = ?1;
