-- The newest checkpoint of an event.
select event_id, lock_serial, checkpoint
from attempt_reports
where event_id = ?1 and checkpoint is not null
order by lock_serial desc
limit 1;
