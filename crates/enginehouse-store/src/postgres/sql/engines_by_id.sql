-- Read engines for a change, or for what depends on them: nobody else changes them, or gives them events, before this
-- transaction ends.
select {engine_columns}
from enginehouse.engines
where engine_id = any($1)
order by engine_id
for no key update;
