-- When the next queued event expires, if one does soon.
select expires_at
from enginehouse.events
where
    expires_at is not null and lock_expires_at is null and finished_at is null
    and expires_at >= $1 and expires_at <= $2
order by expires_at
limit 1;
