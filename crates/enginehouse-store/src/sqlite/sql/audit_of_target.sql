-- What operators did to a target, oldest first.
select {audit_columns}
from audit_log
where target = ?1
order by audit_id;
