-- The events that have these keys. They are locked against being deleted: who is told of them is told for good. So this
-- transaction has a number, and its commit waits until the disk and the standbys have all that it has seen.
select idempotency_key, event_id, fingerprint, idempotency_key_expires_at
from enginehouse.events
where idempotency_key = any($1)
for key share;
