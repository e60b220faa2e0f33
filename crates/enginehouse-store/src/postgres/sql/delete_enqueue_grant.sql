-- Take a grant away.
delete from enginehouse.enqueue_grants where role_name = $1 and queue = $2 and event_type = $3;
