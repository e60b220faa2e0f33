-- Forget what was set for a queue.
delete from queues
where queue = ?1;
