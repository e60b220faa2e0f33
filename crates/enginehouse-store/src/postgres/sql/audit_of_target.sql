-- What operators did to a target, oldest first.
select at, action, target, detail
from enginehouse.audit_log
where target = $1
order by audit_id;
