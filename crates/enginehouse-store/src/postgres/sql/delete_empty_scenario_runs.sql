-- Forget scenario runs whose counts have come to zero, unless they have risen since.
delete from enginehouse.scenario_runs
where scenario_run_id in (
    select scenario_run_id
    from enginehouse.scenario_runs
    where
        scenario_run_id = any($1) and (queued, processing, completed, failed, cancelled) = (0, 0, 0, 0, 0)
    order by scenario_run_id
    for update
);
