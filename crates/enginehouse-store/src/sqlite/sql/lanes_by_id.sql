-- A lane.
select lane_id, queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
from lanes
where lane_id = ?1;
