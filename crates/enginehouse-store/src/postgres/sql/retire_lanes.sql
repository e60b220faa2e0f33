-- Retire lanes without events: no transaction that begins after this one adds an event to them.
with
counted as materialized (
    select lane_id
    from (
        select lane_id, queued::numeric + processing + completed + failed + cancelled as events
        from enginehouse.lane_counts
        union all
        select lane_id, queued::numeric + processing + completed + failed + cancelled
        from enginehouse.lane_changes
    ) as c
    group by lane_id
    having sum(events) > 0
)
update enginehouse.lanes
set retired = true, changed_by = pg_current_xact_id()
where lane_id in (
    select l.lane_id
    from enginehouse.lanes as l
    where
        not l.retired and l.changed_by < pg_snapshot_xmin(pg_current_snapshot())
        and l.lane_id not in (select c.lane_id from counted as c)
    order by l.lane_id
    limit $1
    for update skip locked
)
returning lane_id;
