-- A migration says which servers can work with it that do not know it: so the versions of two releases can take turns.

-- statement
-- Servers that know this version, or a later one, work with the schema as it is after the migration.
alter table schema_version
add column oldest_compatible integer not null default 1
constraint oldest_compatible_is_a_version check (oldest_compatible between 1 and version);

-- statement
insert into schema_version (version, name, oldest_compatible, applied_at)
values (2, 'oldest_compatible', 1, cast((julianday('now') - 2440587.5) * 86400000 as integer));

-- statement
pragma user_version = 2;
