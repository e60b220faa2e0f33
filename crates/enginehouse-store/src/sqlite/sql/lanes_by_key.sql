-- The number of a lane. Compared as the index compares: a null equals nothing.
select lane_id
from lanes
where
    queue = ?1 and event_type = ?2 and priority = ?3 and required_capabilities = ?4
    and coalesce(required_memory_mb, 0) = coalesce(?5, 0) and coalesce(engine_version, '') = coalesce(?6, '')
    and coalesce(suspended_run, '') = coalesce(?7, '');
