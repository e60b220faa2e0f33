-- Those of some events that another transaction has locked. The others are locked until this one ends.
with
free as materialized (
    select event_id
    from enginehouse.events
    where event_id = any($1)
    for no key update skip locked
)
select event_id
from enginehouse.events
where event_id = any($1) and event_id <> all(array(select event_id from free));
