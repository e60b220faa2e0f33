-- Make lanes that are new, in the order asked.
insert into enginehouse.lanes (
    queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
)
select queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[]) with ordinality as k (
    queue, event_type, priority, required_capabilities, required_memory_mb, engine_version, place
)
order by place
on conflict do nothing;
