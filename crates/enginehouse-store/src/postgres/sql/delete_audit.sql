-- Forget the entries up to a place in the chain.
delete from enginehouse.audit_log where position <= $1;
