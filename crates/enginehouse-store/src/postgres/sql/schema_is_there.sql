-- Whether there is a schema.
select to_regclass('enginehouse.schema_version') is not null;
