-- Add a lane under a number that was never given.
insert into lanes (lane_id, queue, event_type, priority, required_capabilities, required_memory_mb, engine_version)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7);
