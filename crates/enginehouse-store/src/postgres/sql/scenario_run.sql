-- A scenario run, if an event of it is kept. Counts are the ones that were added up, and the changes since.
select
    min(scenario_run_id), min(first_enqueued_at), enginehouse.as_count(sum(queued)),
    enginehouse.as_count(sum(processing)), enginehouse.as_count(sum(completed)),
    enginehouse.as_count(sum(failed)), enginehouse.as_count(sum(cancelled))
from (
    select scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled
    from enginehouse.scenario_runs
    where scenario_run_id = $1
    union all
    select scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled
    from enginehouse.lane_changes
    where changed_by >= $2 and scenario_run_id = $1
) as r
having sum(queued::numeric + processing + completed + failed + cancelled) > 0;
