-- A migration says whether a server that does not know it can work with it: so the versions of two releases can take turns.

-- statement
alter table schema_version
add column breaking integer not null default 1 constraint breaking_is_yes_or_no check (breaking in (0, 1));

-- statement
insert into schema_version (version, name, breaking, applied_at)
values (2, 'breaking_migrations', 0, cast((julianday('now') - 2440587.5) * 86400000 as integer));

-- statement
pragma user_version = 2;
