-- What database roles may enqueue, and whether they are there.
select role_name, queue, event_type, granted_at, exists (select from pg_roles as r where r.rolname = g.role_name)
from enginehouse.enqueue_grants as g
order by role_name, queue, event_type;
