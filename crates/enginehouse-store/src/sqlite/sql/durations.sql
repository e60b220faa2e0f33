-- Every histogram of durations.
select {duration_columns}
from duration_histograms
order by event_type, engine_version, day, kind;
