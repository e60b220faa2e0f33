-- Notify the other servers. Never inside a transaction that writes: PostgreSQL commits transactions that notify one at a time.
-- A name that is too long for a channel is cut, as LISTEN cuts it.
select pg_notify($1::text::name::text, '');
