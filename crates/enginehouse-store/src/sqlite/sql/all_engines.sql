-- Every engine, by id.
select {engine_columns}
from engines
order by engine_id;
