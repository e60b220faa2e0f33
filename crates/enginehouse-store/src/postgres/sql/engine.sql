-- An engine.
select {engine_columns}
from enginehouse.engines
where engine_id = $1;
