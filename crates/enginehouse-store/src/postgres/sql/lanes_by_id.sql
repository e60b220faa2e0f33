-- Some lanes.
select lane_id, {lane_columns}
from enginehouse.lanes
where lane_id = any($1);
