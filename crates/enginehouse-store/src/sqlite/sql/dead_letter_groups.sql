-- Dead letters that failed alike, the largest group first.
select
    event_type, reason, error_code, error_group, count(*) as letters, min(dead_lettered_at), max(dead_lettered_at),
    max(event_id)
from {source}
group by event_type, reason, error_code, error_group
order by letters desc, event_type, reason, error_code, error_group
limit 1000;
