-- The attempts of an event that did not complete it, oldest first.
select lock_serial, attempt, engine_id, outcome, claimed_at, ended_at, error_code, error_message, error_details
from enginehouse.attempts
where event_id = $1
order by lock_serial;
