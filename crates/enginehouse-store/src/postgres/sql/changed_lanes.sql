-- Lanes that this transaction or a later one has made, retired or brought back into use.
select lane_id, queue, event_type, priority, required_capabilities, required_memory_mb, engine_version, retired,
    changed_by
from enginehouse.lanes
where changed_by >= $1;
