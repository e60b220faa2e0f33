-- Where the counts of scenario runs differ from the events.
select coalesce(e.scenario_run_id, k.scenario_run_id) as scenario_run_id
from (
    select
        scenario_run_id,
        count(*) filter (where status = 'queued') as queued,
        count(*) filter (where status = 'processing') as processing,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled
    from enginehouse.events
    where scenario_run_id is not null
    group by scenario_run_id
) as e
full join (
    select
        scenario_run_id, sum(queued) as queued, sum(processing) as processing, sum(completed) as completed,
        sum(failed) as failed, sum(cancelled) as cancelled
    from (
        select scenario_run_id, queued, processing, completed, failed, cancelled
        from enginehouse.scenario_runs
        union all
        select scenario_run_id, queued, processing, completed, failed, cancelled
        from enginehouse.lane_changes
        where scenario_run_id is not null
    ) as c
    group by scenario_run_id
) as k on k.scenario_run_id = e.scenario_run_id
where
    (
        coalesce(e.queued, 0), coalesce(e.processing, 0), coalesce(e.completed, 0), coalesce(e.failed, 0),
        coalesce(e.cancelled, 0)
    )
    <> (
        coalesce(k.queued, 0), coalesce(k.processing, 0), coalesce(k.completed, 0), coalesce(k.failed, 0),
        coalesce(k.cancelled, 0)
    )
order by scenario_run_id
limit 100;
