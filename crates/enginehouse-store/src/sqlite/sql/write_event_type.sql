-- Set what holds for an event type.
insert into event_types (event_type, {settings_columns})
values (?, {settings_values})
on conflict (event_type) do update set {excluded.settings_set};
