-- The place of the newest linked entry that is there.
select {audit_link_columns}
from audit_log
where position is not null
order by position desc
limit 1;
