-- Forget what holds for queues of a name.
delete from enginehouse.queues
where queue = $1;
