-- The latest time that a server has noted, and how far it was ahead of the clock.
select t.value, greatest(coalesce(l.value, 0), 0)
from enginehouse.meta as t
left join enginehouse.meta as l on l.key = 'last_time_lead'
where t.key = 'last_time';
