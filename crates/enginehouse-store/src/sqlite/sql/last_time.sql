-- The latest time that this store has seen.
select value
from meta
where key = 'last_time';
