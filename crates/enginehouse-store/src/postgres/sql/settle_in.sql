-- Begin a new generation of epochs and lock serials if this is not where the schema was served last: it was restored from a dump
-- (another cluster, database or table), or from a backup of the files, or a standby was promoted (another timeline). In either case
-- the last numbers that were given may be missing. The number of a table without a place in a store is 0: it is only noted.
with here as (
    select
        hashtextextended(
            concat_ws(
                '/',
                (select c.system_identifier from pg_control_system() as c),
                left(pg_walfile_name(pg_current_wal_lsn()), 8),
                (select d.oid from pg_database as d where d.datname = current_database()),
                'enginehouse.meta'::regclass::oid
            ),
            0
        ) as home,
        -- As in `Generation::raised`.
        least((extract(epoch from clock_timestamp())::bigint - 1577836800) / 60, (1 << 26) - 1) as minutes
),

before as (
    select m.value as home
    from enginehouse.meta as m
    where m.key = 'home'
)

update enginehouse.meta as m
set value = case when m.key = 'home' then here.home else least(greatest(m.value + 1, here.minutes), (1 << 26) - 1) end
from here, before
where before.home <> here.home and (m.key = 'home' or m.key = 'generation' and before.home <> 0)
returning m.key, m.value;
