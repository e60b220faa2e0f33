-- Lanes that were made or taken out of use by this transaction or a later one.
select lane_id, queue, event_type, priority, required_capabilities, required_memory_mb, engine_version, retired,
    changed_by
from enginehouse.lanes
where changed_by >= $1;
