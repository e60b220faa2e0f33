-- Pause a scenario run, or give its pause another reason.
insert into enginehouse.run_pauses ({run_pause_columns})
select {run_pause_columns}
from unnest({1.run_pause_arrays}) as p ({run_pause_columns})
on conflict (scenario_run_id) do update set {excluded.run_pause_set};
