-- What keeps dead rows of this database from being vacuumed: sessions and prepared transactions that began before a moment, and
-- slots and standbys that are a number of transactions behind. A running vacuum does not count. The oldest first.
with
tables as (
    select coalesce(sum(pg_stat_get_dead_tuples(c.oid)), 0)::bigint as dead_rows
    from pg_class as c
    where
        c.relkind = 'r'
        and c.relnamespace = (select e.relnamespace from pg_class as e where e.oid = to_regclass('enginehouse.events'))
),
holders as (
    select
        case a.backend_type when 'walsender' then 'standby' else 'session' end as kind,
        a.application_name as name, a.pid, a.usename::text as username,
        coalesce(host(a.client_addr), a.client_hostname) as client, a.state,
        case a.backend_type
            when 'walsender' then null
            else coalesce(a.xact_start, a.state_change, a.backend_start)
        end as since,
        greatest(age(a.backend_xmin), age(a.backend_xid))::bigint as transactions
    from pg_stat_activity as a
    where
        (a.backend_xmin is not null or a.backend_xid is not null)
        and a.pid <> pg_backend_pid()
        and (a.datname = current_database() or a.datname is null)
        and coalesce(a.backend_type, '') not in ('autovacuum worker', 'autovacuum launcher', 'parallel worker')
        and not exists (select 1 from pg_stat_progress_vacuum as v where v.pid = a.pid)
    union all
    select
        'prepared_transaction', p.gid, null, p.owner::text, null, null, p.prepared, age(p.transaction)::bigint
    from pg_prepared_xacts as p
    where p.database = current_database()
    union all
    select
        'replication_slot', s.slot_name::text, s.active_pid, null, null, case when s.active then 'active' else 'inactive' end,
        null, age(s.xmin)::bigint
    from pg_replication_slots as s
    where s.xmin is not null
)
select
    h.kind, h.name, h.pid, h.username, h.client, h.state, h.since,
    greatest(extract(epoch from clock_timestamp() - h.since) * 1000, 0)::bigint, greatest(h.transactions, 0), t.dead_rows
from holders as h
cross join tables as t
where case when h.since is null then h.transactions >= $2 else h.since <= clock_timestamp() - $1 * interval '1 millisecond' end
order by h.transactions desc nulls last, h.pid;
