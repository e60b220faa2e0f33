-- A lane.
select lane_id, {lane_columns}
from lanes
where lane_id = ?1;
