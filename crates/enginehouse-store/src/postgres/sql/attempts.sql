-- The attempts of an event that did not complete it, oldest first.
select {attempt_columns}
from enginehouse.attempts
where event_id = $1
order by lock_serial;
