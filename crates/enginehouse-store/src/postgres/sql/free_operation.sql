-- The same; nothing if another transaction is at work for it.
select {operation_columns} from enginehouse.operations where operation_id = $1 for no key update skip locked;
