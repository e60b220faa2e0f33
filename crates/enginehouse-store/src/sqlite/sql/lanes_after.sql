-- Lanes with a number above another, by number.
select lane_id, {lane_columns}
from lanes
where lane_id > ?1
order by lane_id;
