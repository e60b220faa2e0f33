-- How many engines are in each status, of all or of those with such ids.
select status, count(*)
from engines
where ?1 is null or exists (select 1 from json_each(?1) as s where engine_id glob s.value)
group by status
order by status;
