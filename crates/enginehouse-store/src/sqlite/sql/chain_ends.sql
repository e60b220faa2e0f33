-- The ends of the chain.
select {chain_end_columns} from audit_chain;
