-- The end that entries are linked to, before there is one.
insert into enginehouse.audit_chain ({chain_end_columns})
select {chain_end_columns}
from unnest({1.chain_end_arrays}) as e ({chain_end_columns})
on conflict (name) do nothing;
