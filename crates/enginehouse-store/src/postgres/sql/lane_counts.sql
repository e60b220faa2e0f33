-- Lanes with their counts, and since when the oldest queued event has been due: one look into the ready index each, from the
-- place on where work was last found, and only where something is queued. Lanes out of use are there if they have events.
with
changed as materialized (
    select
        lane_id, sum(queued) as queued, sum(processing) as processing, sum(completed) as completed, sum(failed) as failed,
        sum(cancelled) as cancelled
    from enginehouse.lane_changes
    where changed_by >= $1
    group by lane_id
),
counted as materialized (
    select
        l.*,
        enginehouse.as_count(coalesce(c.queued, 0) + coalesce(d.queued, 0)::numeric) as queued,
        enginehouse.as_count(coalesce(c.processing, 0) + coalesce(d.processing, 0)::numeric) as processing,
        enginehouse.as_count(coalesce(c.completed, 0) + coalesce(d.completed, 0)::numeric) as completed,
        enginehouse.as_count(coalesce(c.failed, 0) + coalesce(d.failed, 0)::numeric) as failed,
        enginehouse.as_count(coalesce(c.cancelled, 0) + coalesce(d.cancelled, 0)::numeric) as cancelled
    from enginehouse.lanes as l
    left join enginehouse.lane_counts as c on c.lane_id = l.lane_id
    left join changed as d on d.lane_id = l.lane_id
)
select
    l.lane_id, {l.lane_columns},
    l.queued, l.processing, l.completed, l.failed, l.cancelled,
    case
        when l.queued > 0 then coalesce(
            (
                select e.available_at
                from enginehouse.events as e
                where e.status = 'queued' and e.lane_id = l.lane_id and e.available_at >= r.from_at
                order by e.available_at
                limit 1
            ),
            (
                select e.available_at
                from enginehouse.events as e
                where e.status = 'queued' and e.lane_id = l.lane_id
                order by e.available_at
                limit 1
            )
        )
    end
from counted as l
left join unnest($2::bigint[], $3::timestamptz[]) as r (lane_id, from_at) on r.lane_id = l.lane_id
where not l.retired or l.queued::numeric + l.processing + l.completed + l.failed + l.cancelled > 0
order by l.lane_id;
