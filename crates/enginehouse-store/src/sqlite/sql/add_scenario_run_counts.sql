-- Add to the counts of a scenario run.
insert into scenario_runs (scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled)
values (?1, ?2, max(?3, 0), max(?4, 0), max(?5, 0), max(?6, 0), max(?7, 0))
on conflict (scenario_run_id) do update set
    first_enqueued_at = min(scenario_runs.first_enqueued_at, ?2),
    queued = max(scenario_runs.queued + ?3, 0),
    processing = max(scenario_runs.processing + ?4, 0),
    completed = max(scenario_runs.completed + ?5, 0),
    failed = max(scenario_runs.failed + ?6, 0),
    cancelled = max(scenario_runs.cancelled + ?7, 0);
