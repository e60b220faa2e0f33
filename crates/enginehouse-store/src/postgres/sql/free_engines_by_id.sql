-- The same, but only those that no other transaction is at work for.
select {engine_columns}
from enginehouse.engines
where engine_id = any($1)
order by engine_id
for no key update skip locked;
