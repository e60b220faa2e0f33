-- Scenario runs behind an id, by id. Looks at as many runs that were added up as are asked for, and as many more as changes
-- may have taken away. The offset keeps the database from a look at all runs.
with
changed as materialized (
    select
        scenario_run_id, min(first_enqueued_at) as first_enqueued_at, sum(queued) as queued, sum(processing) as processing,
        sum(completed) as completed, sum(failed) as failed, sum(cancelled) as cancelled,
        max(active_at) as last_activity_at,
        sum(enginehouse.decayed(enginehouse.as_count(ended::numeric * 1000000), active_at, latest)) as ended_lately
    from (
        select *, max(active_at) over (partition by scenario_run_id) as latest
        from enginehouse.lane_changes
        where changed_by >= $3 and scenario_run_id > $1
    ) as c
    group by scenario_run_id
),
added_up as materialized (
    select
        scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, last_activity_at, ended_lately
    from enginehouse.scenario_runs
    where scenario_run_id > $1
    order by scenario_run_id
    limit $2 + (select count(*) from changed)
)
select
    r.scenario_run_id, min(r.first_enqueued_at), enginehouse.as_count(sum(r.queued)),
    enginehouse.as_count(sum(r.processing)), enginehouse.as_count(sum(r.completed)),
    enginehouse.as_count(sum(r.failed)), enginehouse.as_count(sum(r.cancelled)),
    coalesce(max(r.last_activity_at), '1970-01-01 00:00:00Z'),
    enginehouse.as_count(coalesce(sum(
        enginehouse.decayed(enginehouse.as_count(r.ended_lately), r.last_activity_at, r.latest)
    ), 0))
from (
    select *, max(last_activity_at) over (partition by scenario_run_id) as latest
    from (
        select *
        from added_up
        union all
        select *
        from changed as c
        where
            exists (select 1 from added_up as a where a.scenario_run_id = c.scenario_run_id)
            or not exists (
                select 1 from enginehouse.scenario_runs as s where s.scenario_run_id = c.scenario_run_id offset 0
            )
    ) as b
) as r
group by r.scenario_run_id
having sum(r.queued::numeric + r.processing + r.completed + r.failed + r.cancelled) > 0
order by r.scenario_run_id
limit $2;
