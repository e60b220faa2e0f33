-- The latest time that a server has seen.
select value
from enginehouse.meta
where key = 'last_time';
