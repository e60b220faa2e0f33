-- The histograms of the durations of one event type.
select {duration_columns}
from duration_histograms
where event_type = ?
order by engine_version, day, kind;
