-- The lanes of these requirements, each with its place among them.
select k.place, l.lane_id, l.retired
from unnest({1.lane_arrays}) with ordinality as k ({lane_columns}, place)
inner join enginehouse.lanes as l
    on
        l.queue = k.queue and l.event_type = k.event_type and l.priority = k.priority
        and l.required_capabilities = k.required_capabilities
        and coalesce(l.required_memory_mb, 0) = coalesce(k.required_memory_mb, 0)
        and coalesce(l.engine_version, '') = coalesce(k.engine_version, '')
        and coalesce(l.suspended_run, '') = coalesce(k.suspended_run, '')
order by k.place;
