-- Remember the latest time, so that the next start does not begin earlier.
update meta
set value = ?1
where key = 'last_time' and value < ?1;
