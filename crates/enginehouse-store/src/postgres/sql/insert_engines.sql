-- Add engines that were not there: one that another transaction adds meanwhile is an error.
insert into enginehouse.engines ({engine_columns})
select *
from unnest({1.engine_arrays});
