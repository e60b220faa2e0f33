-- How many engines are in each status.
select status, count(*)
from enginehouse.engines
group by status
order by status;
