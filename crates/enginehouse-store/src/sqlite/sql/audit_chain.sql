-- Entries in the order of the chain, from behind a place on.
select audit_id, {audit_columns}, {audit_link_columns}
from audit_log
where position > ?1
order by position
limit ?2;
