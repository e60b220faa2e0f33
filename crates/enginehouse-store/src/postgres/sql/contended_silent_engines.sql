-- Engines that should have sent a heartbeat by a moment, and that another transaction has locked.
with
free as materialized (
    select engine_id
    from enginehouse.engines
    where lost_due_at <= $1
    order by lost_due_at, engine_id
    limit $2
    for no key update skip locked
)
select engine_id
from (
    select engine_id
    from enginehouse.engines
    where lost_due_at <= $1
    order by lost_due_at, engine_id
    limit $2
) as e
where e.engine_id <> all(array(select engine_id from free));
