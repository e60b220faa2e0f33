-- The ends of the newest logs of an event's attempts; of one lock, if one is named.
select event_id, lock_serial, log_bytes, log
from enginehouse.attempt_reports
where event_id = $1 and log is not null and ($2::bigint is null or lock_serial = $2)
order by lock_serial desc
limit 16;
