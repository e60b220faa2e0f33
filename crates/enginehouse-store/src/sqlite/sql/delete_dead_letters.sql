-- Take away a dead letter; its event stays.
delete from dead_letters
where event_id = ?1;
