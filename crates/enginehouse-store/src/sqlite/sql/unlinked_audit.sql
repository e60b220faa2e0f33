-- Entries that are not linked yet, in the order in which they were written.
select audit_id, {audit_columns}, {audit_link_columns}
from audit_log
where position is null
order by audit_id
limit ?1;
