-- Set what holds for event types of a name.
insert into enginehouse.event_types (event_type, {settings_columns})
select *
from unnest($1::text[], {2.settings_arrays})
on conflict (event_type) do update set {excluded.settings_set};
