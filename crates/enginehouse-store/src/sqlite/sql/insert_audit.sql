-- Add what an operator did.
insert into audit_log ({audit_columns})
values ({audit_values});
