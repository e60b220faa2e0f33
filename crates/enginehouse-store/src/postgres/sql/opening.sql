-- Begin: the database's time, what is shared, since when the database runs, and how the statements of this transaction are to be planned and ended.
-- Statistics may be minutes old, and a lane may have grown by a million events since: so an index is used where there is
-- one, in its order, and a plan is made once.
select
    clock_timestamp(),
    (select m.value from enginehouse.meta as m where m.key = 'registry_version'),
    pg_snapshot_xmin(pg_current_snapshot()),
    pg_snapshot_xmax(pg_current_snapshot()),
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint,
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true),
    set_config('statement_timeout', $1, true),
    set_config('lock_timeout', '2s', true),
    set_config('idle_in_transaction_session_timeout', $2, true),
    set_config('synchronous_commit', coalesce($3, current_setting('synchronous_commit')), true);
