-- When the next lock expires, if one does soon: behind that lie all that were given lately, most of them dead.
select lock_expires_at
from enginehouse.events
where lock_expires_at >= $1 and lock_expires_at <= $2
order by lock_expires_at
limit 1;
