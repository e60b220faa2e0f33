-- Pause a scenario run, or give its pause another reason.
insert into run_pauses ({run_pause_columns})
values ({run_pause_values})
on conflict (scenario_run_id) do update set {excluded.run_pause_set};
