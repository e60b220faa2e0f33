-- Keep an operation, or what has changed of it.
insert into operations ({operation_columns})
values ({operation_values})
on conflict (operation_id) do update set {excluded.operation_change_set};
