-- The end of the log of an attempt.
select event_id, lock_serial, log_bytes, log
from attempt_reports
where event_id = ?1 and lock_serial = ?2;
