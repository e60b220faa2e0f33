-- Link entries.
update enginehouse.audit_log as a
set {l.audit_link_set}
from unnest($1::bigint[], {2.audit_link_arrays}) as l (audit_id, {audit_link_columns})
where a.audit_id = l.audit_id;
