-- Move an end of the chain.
insert into audit_chain ({chain_end_columns})
values ({chain_end_values})
on conflict (name) do update set {excluded.chain_end_set};
