-- What engines have reported of the attempts of events.
select event_id, {report_columns}
from enginehouse.attempt_reports
where event_id = any($1)
order by event_id, lock_serial;
