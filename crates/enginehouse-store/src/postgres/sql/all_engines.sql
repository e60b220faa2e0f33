-- Every engine.
select {engine_columns}
from enginehouse.engines
order by engine_id;
