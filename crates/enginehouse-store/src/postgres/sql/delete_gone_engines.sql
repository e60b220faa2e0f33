-- Forget engines that are gone for good, or send no heartbeats and have not called for as long, and hold nothing. The offset keeps the database from joining by a look at all locks.
delete from enginehouse.engines
where engine_id in (
    select g.engine_id
    from enginehouse.engines as g
    where
        (g.status in ('stopped', 'lost') or g.heartbeat_interval_ms = 0) and g.last_heartbeat_at < $1
        and not exists (
            select 1 from enginehouse.events as e where e.lock_given_by is not null and e.engine_id = g.engine_id offset 0
        )
    order by g.last_heartbeat_at, g.engine_id
    limit $2
    for update skip locked
)
returning engine_id;
