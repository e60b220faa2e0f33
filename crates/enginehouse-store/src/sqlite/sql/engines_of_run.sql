-- The engines that hold locks on events of a scenario run. The index of the locks holds all that is asked.
select distinct engine_id
from events indexed by events_locks_of_engine
where status = 'processing' and scenario_run_id = ?1
order by engine_id;
