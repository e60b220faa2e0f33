-- Scenario runs behind an id, by id. Looks at as many runs that were added up as are asked for, and as many more as changes
-- may have taken away. The offset keeps the database from a look at all runs.
with
changed as materialized (
    select
        scenario_run_id, min(first_enqueued_at) as first_enqueued_at, sum(queued) as queued, sum(processing) as processing,
        sum(completed) as completed, sum(failed) as failed, sum(cancelled) as cancelled
    from enginehouse.lane_changes
    where changed_by >= $3 and scenario_run_id > $1
    group by scenario_run_id
),
added_up as materialized (
    select *
    from enginehouse.scenario_runs
    where scenario_run_id > $1
    order by scenario_run_id
    limit $2 + (select count(*) from changed)
)
select
    r.scenario_run_id, min(r.first_enqueued_at), enginehouse.as_count(sum(r.queued)),
    enginehouse.as_count(sum(r.processing)), enginehouse.as_count(sum(r.completed)),
    enginehouse.as_count(sum(r.failed)), enginehouse.as_count(sum(r.cancelled))
from (
    select scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled
    from added_up
    union all
    select c.scenario_run_id, c.first_enqueued_at, c.queued, c.processing, c.completed, c.failed, c.cancelled
    from changed as c
    where
        exists (select 1 from added_up as a where a.scenario_run_id = c.scenario_run_id)
        or not exists (
            select 1 from enginehouse.scenario_runs as s where s.scenario_run_id = c.scenario_run_id offset 0
        )
) as r
group by r.scenario_run_id
having sum(r.queued::numeric + r.processing + r.completed + r.failed + r.cancelled) > 0
order by r.scenario_run_id
limit $2;
