-- How many entries are not linked yet.
select count(*) from audit_log where position is null;
