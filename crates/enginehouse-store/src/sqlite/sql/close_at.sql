-- The store is closed: remember the last time that it has seen, and not the bound that it was allowed to come to.
update meta
set value = ?1
where key = 'last_time' and value > ?1;
