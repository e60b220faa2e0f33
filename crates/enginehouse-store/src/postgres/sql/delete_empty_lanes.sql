-- Forget lanes that are out of use for every transaction that is under way, and still have no events. Counts that are not all
-- zero stay: there are changes of that lane still to be added. The offset keeps the database from joining by a look at all
-- events.
with
counted as materialized (
    select lane_id
    from (
        select lane_id, queued + processing + completed + failed + cancelled as events
        from enginehouse.lane_counts
        union all
        select lane_id, queued + processing + completed + failed + cancelled
        from enginehouse.lane_changes
    ) as c
    group by lane_id
    having sum(events) > 0
),
gone as (
    delete from enginehouse.lanes
    where lane_id in (
        select l.lane_id
        from enginehouse.lanes as l
        where
            l.retired and l.forgettable_by < pg_snapshot_xmin(pg_current_snapshot())
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
            c.lane_id in (select lane_id from gone)
            and (c.queued, c.processing, c.completed, c.failed, c.cancelled) = (0, 0, 0, 0, 0)
        order by c.lane_id
        for update
    )
)
select lane_id
from gone
order by lane_id;
