-- Take away dead letters; their events stay.
delete from enginehouse.dead_letters
where event_id = any($1);
