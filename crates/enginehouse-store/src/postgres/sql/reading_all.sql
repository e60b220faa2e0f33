-- Begin to read all there is: planned as the database thinks best, and as long as it takes.
select
    set_config('statement_timeout', $1, true),
    set_config('lock_timeout', $1, true),
    set_config('idle_in_transaction_session_timeout', $2, true);
