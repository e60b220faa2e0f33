-- The newest link, for whoever links or deletes entries; nothing if somebody else does.
select {chain_end_columns} from enginehouse.audit_chain where name = 'head' for update skip locked;
