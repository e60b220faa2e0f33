-- Add or replace an engine.
insert into engines (
    engine_id, engine_type, epoch, status, heartbeat_interval_ms, registered_at, last_heartbeat_at, lost_due_at, draining,
    stop_when_drained, metadata
)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
on conflict (engine_id) do update set
    engine_type = excluded.engine_type,
    epoch = excluded.epoch,
    status = excluded.status,
    heartbeat_interval_ms = excluded.heartbeat_interval_ms,
    registered_at = excluded.registered_at,
    last_heartbeat_at = excluded.last_heartbeat_at,
    lost_due_at = excluded.lost_due_at,
    draining = excluded.draining,
    stop_when_drained = excluded.stop_when_drained,
    metadata = excluded.metadata;
