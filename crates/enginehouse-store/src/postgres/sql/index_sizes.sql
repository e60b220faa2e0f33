-- How large our indexes are.
select c.relname::text, t.relname::text, pg_relation_size(c.oid)
from pg_class as c
inner join pg_index as i on i.indexrelid = c.oid
inner join pg_class as t on t.oid = i.indrelid
where
    c.relkind = 'i'
    and t.relnamespace = (select v.relnamespace from pg_class as v where v.oid = 'enginehouse.schema_version'::regclass)
order by t.relname, c.relname;
