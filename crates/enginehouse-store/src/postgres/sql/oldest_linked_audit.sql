-- The oldest entries of the audit log that are linked, without those that somebody else has locked.
select audit_id, {audit_columns}, {audit_link_columns}
from enginehouse.audit_log
where position is not null
order by position
limit $1
for update skip locked;
