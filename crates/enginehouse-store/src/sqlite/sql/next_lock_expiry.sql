-- When the next lock expires.
select min(lock_expires_at)
from events indexed by events_lock_expiry
where status = 'processing';
