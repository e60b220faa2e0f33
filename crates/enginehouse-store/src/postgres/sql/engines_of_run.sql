-- The engines that hold locks on events of a scenario run, by id. All locks are looked at, from a moment on before which none
-- that lasts expires: a run may have many more events.
with
held as materialized (
    select engine_id, scenario_run_id
    from enginehouse.events
    where lock_expires_at >= $2
)
select distinct engine_id
from held
where scenario_run_id = $1
order by engine_id;
