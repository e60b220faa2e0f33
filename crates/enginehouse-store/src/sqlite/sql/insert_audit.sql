-- Add what an operator did.
insert into audit_log (at, action, target, detail)
values (?1, ?2, ?3, ?4);
