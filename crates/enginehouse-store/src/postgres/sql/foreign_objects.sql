-- What somebody has put on our tables, and whether it may change what our statements write, or hide rows from them.
-- A trigger that only runs afterwards writes elsewhere.
with ours as (
    select c.oid, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p')
)
select 'trigger ' || pg_catalog.quote_ident(t.tgname) || ' on ' || o.relname as what, (t.tgtype & 66) <> 0 as interferes
from pg_catalog.pg_trigger as t
join ours as o on o.oid = t.tgrelid
where not t.tgisinternal and t.tgenabled <> 'D'
union all
select 'rule ' || pg_catalog.quote_ident(r.rulename) || ' on ' || o.relname, true
from pg_catalog.pg_rewrite as r
join ours as o on o.oid = r.ev_class
where r.ev_enabled <> 'D'
union all
select 'row-level security on ' || o.relname, true
from ours as o
where pg_catalog.row_security_active(o.oid)
order by 1;
