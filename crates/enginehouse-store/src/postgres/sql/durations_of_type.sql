-- The histograms of the durations of one event type.
select {duration_columns}
from enginehouse.duration_histograms
where event_type = $1
order by engine_version, day, kind;
