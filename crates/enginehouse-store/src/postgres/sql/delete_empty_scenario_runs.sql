-- Delete scenario runs whose counts have become zero, unless they have risen since, or changes of them are still to be compacted:
-- those may be of events that were enqueued before, and only this row knows when the first one was.
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
