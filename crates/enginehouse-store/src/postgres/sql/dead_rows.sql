-- How many rows of our tables are dead and still there, as far as the database has counted.
select coalesce(sum(pg_stat_get_dead_tuples(c.oid)), 0)::bigint
from pg_class as c
where
    c.relkind = 'r'
    and c.relnamespace = (select e.relnamespace from pg_class as e where e.oid = to_regclass('enginehouse.events'));
