-- An engine.
select {engine_columns}
from engines
where engine_id = ?1;
