-- What engines have reported of the attempts of an event.
select event_id, {report_columns}
from attempt_reports
where event_id = ?1
order by lock_serial;
