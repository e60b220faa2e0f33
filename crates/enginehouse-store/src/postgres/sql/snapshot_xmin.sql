-- The first transaction that may still be under way.
select pg_snapshot_xmin(pg_current_snapshot());
