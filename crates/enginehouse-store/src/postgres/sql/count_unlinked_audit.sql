-- How many entries are not linked yet.
select count(*) from enginehouse.audit_log where position is null;
