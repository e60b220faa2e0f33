-- Forget an event. Its payload, attempts, reports and dead letter go with it.
delete from events
where event_id = ?1
returning lane_id, status, scenario_run_id;
