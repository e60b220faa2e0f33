-- Forget scenario runs whose counts have come to zero, unless they have risen since, or there are changes of them still to be
-- added: these may be of events whose beginning is known here alone.
delete from enginehouse.scenario_runs
where scenario_run_id in (
    select r.scenario_run_id
    from enginehouse.scenario_runs as r
    where
        r.scenario_run_id = any($1) and (r.queued, r.processing, r.completed, r.failed, r.cancelled) = (0, 0, 0, 0, 0)
        and r.scenario_run_id not in (
            select c.scenario_run_id
            from enginehouse.lane_changes as c
            where c.changed_by >= $2 and c.scenario_run_id is not null
        )
    order by r.scenario_run_id
    for update
);
