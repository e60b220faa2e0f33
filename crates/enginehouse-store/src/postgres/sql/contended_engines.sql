-- Those of some engines that another transaction has locked. The others are locked until this one ends.
with
free as materialized (
    select engine_id
    from enginehouse.engines
    where engine_id = any($1)
    for no key update skip locked
)
select engine_id
from enginehouse.engines
where engine_id = any($1) and engine_id <> all(array(select engine_id from free));
