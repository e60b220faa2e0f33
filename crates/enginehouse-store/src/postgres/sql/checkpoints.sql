-- The newest checkpoints of events.
select distinct on (event_id) event_id, lock_serial, checkpoint
from enginehouse.attempt_reports
where event_id = any($1) and checkpoint is not null
order by event_id, lock_serial desc;
