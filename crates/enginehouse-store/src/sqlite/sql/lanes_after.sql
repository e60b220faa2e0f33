-- Lanes with a number above another, by number.
select lane_id, queue, event_type, priority, required_capabilities, required_memory_mb, engine_version
from lanes
where lane_id > ?1
order by lane_id;
