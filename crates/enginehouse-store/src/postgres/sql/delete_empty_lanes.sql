-- Delete lanes that were retired before every transaction in progress began, and that still have no events. Counts that are not
-- zero stay: changes of that lane are still to be compacted. The offset keeps the planner from joining by a scan of all events.
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
),
deleted as (
    delete from enginehouse.lanes
    where lane_id in (
        select l.lane_id
        from enginehouse.lanes as l
        where
            l.retired and l.prunable_by < pg_snapshot_xmin(pg_current_snapshot())
            and l.lane_id not in (select c.lane_id from counted as c)
            and not exists (
                select 1 from enginehouse.events as e where e.lane_id = l.lane_id and e.status = 'queued' offset 0
            )
        order by l.lane_id
        limit $1
        for update skip locked
    )
    returning lane_id
),
counts as (
    delete from enginehouse.lane_counts
    where lane_id in (
        select c.lane_id
        from enginehouse.lane_counts as c
        where
            c.lane_id in (select lane_id from deleted)
            and (c.queued, c.processing, c.completed, c.failed, c.cancelled) = (0, 0, 0, 0, 0)
        order by c.lane_id
        for update
    )
)
select lane_id
from deleted
order by lane_id;
