-- Forget a scenario run of which no event is kept.
delete from scenario_runs
where scenario_run_id = ?1 and queued + processing + completed + failed + cancelled = 0;
