-- The first lock that expires before a moment.
select lock_expires_at
from enginehouse.events
where lock_expires_at < $1
order by lock_expires_at
limit 1;
