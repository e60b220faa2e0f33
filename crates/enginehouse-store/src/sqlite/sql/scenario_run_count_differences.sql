-- Where the counts of scenario runs differ from the events.
select coalesce(counted.scenario_run_id, kept.scenario_run_id)
from (
    select
        scenario_run_id,
        sum(status = 'queued') as queued,
        sum(status = 'processing') as processing,
        sum(status = 'completed') as completed,
        sum(status = 'failed') as failed,
        sum(status = 'cancelled') as cancelled
    from events
    where scenario_run_id is not null
    group by scenario_run_id
) as counted
full join scenario_runs as kept on kept.scenario_run_id = counted.scenario_run_id
where
    (kept.queued, kept.processing, kept.completed, kept.failed, kept.cancelled)
    is not (counted.queued, counted.processing, counted.completed, counted.failed, counted.cancelled)
limit 100;
