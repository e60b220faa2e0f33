-- A scenario run, if an event of it is kept. Counts are the ones that were added up, and the changes since.
select
    min(scenario_run_id), min(first_enqueued_at), enginehouse.as_count(sum(queued)),
    enginehouse.as_count(sum(processing)), enginehouse.as_count(sum(completed)),
    enginehouse.as_count(sum(failed)), enginehouse.as_count(sum(cancelled)),
    coalesce(max(last_activity_at), '1970-01-01 00:00:00Z'),
    enginehouse.as_count(coalesce(sum(enginehouse.decayed(ended_lately, last_activity_at, latest)), 0))
from (
    select *, max(last_activity_at) over () as latest
    from (
        select
            scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, last_activity_at,
            ended_lately
        from enginehouse.scenario_runs
        where scenario_run_id = $1
        union all
        select
            scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, active_at,
            enginehouse.as_count(ended::numeric * 1000000)
        from enginehouse.lane_changes
        where changed_by >= $2 and scenario_run_id = $1
    ) as r
) as s
having sum(queued::numeric + processing + completed + failed + cancelled) > 0;
