-- Replace engines.
update enginehouse.engines as e
set {c.engine_change_set}
from unnest({1.engine_arrays}) as c ({engine_columns})
where e.engine_id = c.engine_id;
