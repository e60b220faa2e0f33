-- How large our tables are, how much of them is dead as far as the database has counted, and when they were vacuumed.
select
    c.relname::text, pg_table_size(c.oid), pg_indexes_size(c.oid), pg_stat_get_live_tuples(c.oid),
    pg_stat_get_dead_tuples(c.oid), greatest(pg_stat_get_last_autovacuum_time(c.oid), pg_stat_get_last_vacuum_time(c.oid))
from pg_class as c
where
    c.relkind = 'r'
    and c.relnamespace = (select v.relnamespace from pg_class as v where v.oid = 'enginehouse.schema_version'::regclass)
order by c.relname;
