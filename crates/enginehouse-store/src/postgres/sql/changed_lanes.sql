-- Lanes that this transaction or a later one has made, retired or brought back into use.
select lane_id, {lane_columns}, retired, changed_by
from enginehouse.lanes
where changed_by >= $1;
