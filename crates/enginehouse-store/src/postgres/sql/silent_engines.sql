-- Engines that should have sent a heartbeat by a moment, the latest first. What another transaction works on is left out.
select {engine_columns}
from enginehouse.engines
where lost_due_at <= $1
order by lost_due_at, engine_id
limit $2
for no key update skip locked;
