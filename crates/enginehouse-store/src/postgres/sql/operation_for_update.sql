-- One operation, which nobody else changes before this transaction ends.
select {operation_columns} from enginehouse.operations where operation_id = $1 for no key update;
