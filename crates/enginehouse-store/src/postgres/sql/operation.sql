-- One operation.
select {operation_columns} from enginehouse.operations where operation_id = $1;
