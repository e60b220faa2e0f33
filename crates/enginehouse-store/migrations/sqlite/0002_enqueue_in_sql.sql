-- On PostgreSQL, this makes the functions by which applications enqueue in SQL. A data file has nothing of that kind, for nobody
-- else writes to it while a server has it open; but a number is one migration, whatever the dialect.

-- statement
insert into schema_version (version, name, oldest_compatible, applied_at)
values (2, 'enqueue_in_sql', 1, cast((julianday('now') - 2440587.5) * 86400000 as integer));

-- statement
pragma user_version = 2;
