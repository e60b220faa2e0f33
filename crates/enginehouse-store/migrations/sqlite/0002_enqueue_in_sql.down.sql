-- There is nothing to take away but the row.

-- statement
delete from schema_version where version = 2;

-- statement
pragma user_version = 1;
