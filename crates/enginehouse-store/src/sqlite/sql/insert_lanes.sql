-- Add a lane under a number that was never given.
insert into lanes (lane_id, {lane_columns})
values (?, {lane_values});
