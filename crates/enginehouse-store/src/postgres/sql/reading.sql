-- Begin a read: settings of the planner and limits for its statements. Statistics may be minutes old: so the planner must use an
-- index where there is one, in its order, and makes each plan once. A table that somebody has locked is not waited for: the
-- readers are few, and others want to read what is free.
select
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true),
    set_config('statement_timeout', $1, true),
    set_config('lock_timeout', '500ms', true),
    set_config('idle_in_transaction_session_timeout', $2, true);
