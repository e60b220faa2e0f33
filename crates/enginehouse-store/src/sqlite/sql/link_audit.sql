-- Link an entry.
update audit_log set {audit_link_set} where audit_id = ?;
