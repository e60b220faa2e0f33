-- Add to the counts of a scenario run. Without a time of activity, events of it were only deleted.
insert into scenario_runs (
    scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, last_activity_at, ended_lately
)
values (?1, ?2, max(?3, 0), max(?4, 0), max(?5, 0), max(?6, 0), max(?7, 0), coalesce(?8, 0), ?9)
on conflict (scenario_run_id) do update set
    first_enqueued_at = min(scenario_runs.first_enqueued_at, ?2),
    queued = max(min(scenario_runs.queued, 1000000000000000) + ?3, 0),
    processing = max(min(scenario_runs.processing, 1000000000000000) + ?4, 0),
    completed = max(min(scenario_runs.completed, 1000000000000000) + ?5, 0),
    failed = max(min(scenario_runs.failed, 1000000000000000) + ?6, 0),
    cancelled = max(min(scenario_runs.cancelled, 1000000000000000) + ?7, 0),
    last_activity_at = max(scenario_runs.last_activity_at, coalesce(?8, 0)),
    ended_lately = ?9 + decayed(
        min(scenario_runs.ended_lately, 1000000000000000), scenario_runs.last_activity_at,
        coalesce(?8, scenario_runs.last_activity_at)
    );
