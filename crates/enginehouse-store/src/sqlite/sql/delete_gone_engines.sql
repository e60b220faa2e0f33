-- Forget engines that are gone, or send no heartbeats, hold no lock and have been silent for long.
delete from engines
where engine_id in (
    select g.engine_id
    from engines as g
    where
        (g.status in ('stopped', 'lost') or g.heartbeat_interval_ms = 0) and g.last_heartbeat_at < ?1
        and not exists (select 1 from events as e where e.status = 'processing' and e.engine_id = g.engine_id)
    order by g.last_heartbeat_at, g.engine_id
    limit ?2
)
returning engine_id;
