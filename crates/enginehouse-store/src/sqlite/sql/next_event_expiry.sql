-- When the next queued event expires.
select min(expires_at)
from events indexed by events_expiry
where status = 'queued' and expires_at is not null;
