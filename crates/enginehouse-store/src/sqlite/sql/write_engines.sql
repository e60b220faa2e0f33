-- Add or replace an engine.
insert into engines ({engine_columns})
values ({engine_values})
on conflict (engine_id) do update set {excluded.engine_change_set};
