-- Begin a read of all rows: the planner is free, and the limits are long.
select
    set_config('statement_timeout', $1, true),
    set_config('lock_timeout', $1, true),
    set_config('idle_in_transaction_session_timeout', $2, true);
