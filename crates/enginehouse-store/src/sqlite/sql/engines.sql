-- Engines behind an id, by id.
select {engine_columns}
from engines
where engine_id > ?1
order by engine_id
limit ?2;
