-- The ends of the logs of attempts.
select r.event_id, r.lock_serial, r.log_bytes, r.log
from unnest($1::uuid[], $2::bigint[]) as l (event_id, lock_serial)
inner join enginehouse.attempt_reports as r on r.event_id = l.event_id and r.lock_serial = l.lock_serial;
