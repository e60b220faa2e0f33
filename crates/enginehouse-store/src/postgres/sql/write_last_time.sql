-- Keep the latest time that a server has seen, so that no server begins earlier, on this machine or on another one.
update enginehouse.meta
set value = $1
where key = 'last_time' and value < $1;
