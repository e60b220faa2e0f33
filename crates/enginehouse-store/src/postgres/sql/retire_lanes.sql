-- Take lanes out of use that have no events: no transaction that begins after this one puts an event there.
update enginehouse.lanes
set retired = true, changed_by = pg_current_xact_id()
where lane_id in (
    select l.lane_id
    from enginehouse.lanes as l
    where
        not l.retired and l.changed_by < pg_snapshot_xmin(pg_current_snapshot())
        and not exists (
            select 1
            from (
                select queued + processing + completed + failed + cancelled as events
                from enginehouse.lane_counts
                where lane_id = l.lane_id
                union all
                select queued + processing + completed + failed + cancelled
                from enginehouse.lane_changes
                where lane_id = l.lane_id
            ) as c
            having sum(c.events) > 0
        )
    order by l.lane_id
    limit $1
    for update skip locked
)
returning lane_id;
