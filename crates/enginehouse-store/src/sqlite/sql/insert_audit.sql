-- Add what an operator did, under a number behind those that were given: SQLite's own choice would end at a row that somebody
-- else has given the highest one.
insert into audit_log (audit_id, {audit_columns})
values ((select coalesce(max(seq), 0) + 1 from sqlite_sequence where name = 'audit_log'), {audit_values});
