-- The ends of the chain.
select {chain_end_columns} from enginehouse.audit_chain;
