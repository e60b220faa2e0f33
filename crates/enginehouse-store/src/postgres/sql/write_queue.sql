-- Set what holds for queues of a name.
insert into enginehouse.queues (queue, {settings_columns})
select *
from unnest($1::text[], {2.settings_arrays})
on conflict (queue) do update set {excluded.settings_set};
