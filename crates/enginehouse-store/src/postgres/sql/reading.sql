-- Begin: how the statements of this transaction are to be planned, and how long each may take. Statistics may be minutes old:
-- so an index is used where there is one, in its order, and a plan is made once.
select
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true),
    set_config('statement_timeout', $1, true),
    set_config('lock_timeout', $1, true),
    set_config('idle_in_transaction_session_timeout', $2, true);
