-- Keep an operation, or what has changed of it.
insert into enginehouse.operations ({operation_columns})
select {operation_columns}
from unnest({1.operation_arrays}) as o ({operation_columns})
on conflict (operation_id) do update set {excluded.operation_change_set};
