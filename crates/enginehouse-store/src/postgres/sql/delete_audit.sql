-- Forget audit entries from before a moment.
delete from enginehouse.audit_log
where audit_id in (
    select audit_id from enginehouse.audit_log where at < $1 order by at, audit_id limit $2 for update skip locked
);
