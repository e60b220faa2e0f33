-- The oldest entries of the audit log that are linked.
select audit_id, {audit_columns}, {audit_link_columns}
from audit_log
where position is not null
order by position
limit ?1;
