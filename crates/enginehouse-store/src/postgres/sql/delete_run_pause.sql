-- Let the events of a scenario run be claimed again.
delete from enginehouse.run_pauses
where scenario_run_id = $1;
