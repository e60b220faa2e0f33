-- The ids of all lanes.
select lane_id
from enginehouse.lanes;
