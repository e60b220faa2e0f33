-- The oldest transaction that may still be in progress.
select pg_snapshot_xmin(pg_current_snapshot());
