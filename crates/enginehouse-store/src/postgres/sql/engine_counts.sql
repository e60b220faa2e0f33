-- How many engines are in each status, of all or of those with such ids.
select status, count(*)
from enginehouse.engines
where $1::text[] is null or engine_id like any ($1)
group by status
order by status;
