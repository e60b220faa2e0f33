-- Begin: the time of the database, the snapshot, and when the database was started; and settings of the planner and limits for
-- this transaction. It reads no table, so that nobody who has locked one keeps it waiting. Statistics may be minutes old, while a
-- lane has grown by a million events: so the planner must use an index where there is one, in its order, and makes each plan once.
select
    clock_timestamp(),
    pg_snapshot_xmin(pg_current_snapshot()),
    pg_snapshot_xmax(pg_current_snapshot()),
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint,
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true),
    set_config('statement_timeout', $1, true),
    set_config('idle_in_transaction_session_timeout', $2, true),
    set_config('synchronous_commit', coalesce($3, current_setting('synchronous_commit')), true);
