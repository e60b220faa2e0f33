-- Takes away the column that 0002 made.

-- statement
delete from schema_version where version = 2;

-- statement
alter table schema_version drop column oldest_compatible;

-- statement
pragma user_version = 1;
