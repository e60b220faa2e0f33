-- Keep how many lanes there may be, for enqueue in SQL.
insert into enginehouse.meta as m (key, value)
values ('max_lanes', $1)
on conflict (key) do update set value = excluded.value
where m.value <> excluded.value;
