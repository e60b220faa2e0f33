-- Entries before a moment and a number, from another moment on, the newest first. `entries` is the way to them.
select audit_id, {audit_columns}, {audit_link_columns}
from {entries}
order by at desc, audit_id desc
limit ?4;
