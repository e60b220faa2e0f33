-- A scenario run.
select scenario_run_id, first_enqueued_at, queued, processing, completed, failed, cancelled, last_activity_at,
    ended_lately
from scenario_runs
where scenario_run_id = ?1;
