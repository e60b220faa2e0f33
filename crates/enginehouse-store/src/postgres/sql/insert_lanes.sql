-- Make lanes that are new, in the order asked.
insert into enginehouse.lanes ({lane_columns})
select {lane_columns}
from unnest({1.lane_arrays}) with ordinality as k ({lane_columns}, place)
order by place
on conflict do nothing;
