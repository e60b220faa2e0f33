-- Where the counts of lanes differ from the events.
select coalesce(e.lane_id, k.lane_id) as lane_id, s.status, s.events, s.counted
from (
    select
        lane_id,
        count(*) filter (where status = 'queued') as queued,
        count(*) filter (where status = 'processing') as processing,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled
    from enginehouse.events
    group by lane_id
) as e
full join (
    select
        lane_id, sum(queued) as queued, sum(processing) as processing, sum(completed) as completed, sum(failed) as failed,
        sum(cancelled) as cancelled
    from (
        select lane_id, queued, processing, completed, failed, cancelled
        from enginehouse.lane_counts
        union all
        select lane_id, queued, processing, completed, failed, cancelled
        from enginehouse.lane_changes
    ) as c
    group by lane_id
) as k on k.lane_id = e.lane_id
cross join lateral (
    values
    (1, 'queued', coalesce(e.queued, 0), coalesce(k.queued, 0)::bigint),
    (2, 'processing', coalesce(e.processing, 0), coalesce(k.processing, 0)::bigint),
    (3, 'completed', coalesce(e.completed, 0), coalesce(k.completed, 0)::bigint),
    (4, 'failed', coalesce(e.failed, 0), coalesce(k.failed, 0)::bigint),
    (5, 'cancelled', coalesce(e.cancelled, 0), coalesce(k.cancelled, 0)::bigint)
) as s (place, status, events, counted)
where s.events <> s.counted
order by lane_id, s.place
limit 100;
