-- Tell other servers that there is something new. Never inside a transaction that writes: it would commit one at a time.
select pg_notify($1, '');
