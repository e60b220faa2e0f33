-- The scenario runs that are paused.
select {run_pause_columns}
from run_pauses
order by scenario_run_id;
