-- Set what holds for a queue.
insert into queues (queue, {settings_columns})
values (?, {settings_values})
on conflict (queue) do update set {excluded.settings_set};
