-- Tell other servers that there is something new. Never inside a transaction that writes: it would commit one at a time.
-- A name too long for a channel is cut, as LISTEN cuts it.
select pg_notify($1::text::name::text, '');
