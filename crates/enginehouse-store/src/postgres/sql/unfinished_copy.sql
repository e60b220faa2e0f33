-- Whether a store is being copied into the schema, or was and has not ended.
select 1
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = 'store_copy';
