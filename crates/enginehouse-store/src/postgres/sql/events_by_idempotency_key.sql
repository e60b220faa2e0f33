-- The events that are kept under these keys.
select idempotency_key, event_id, fingerprint
from enginehouse.events
where idempotency_key = any($1);
