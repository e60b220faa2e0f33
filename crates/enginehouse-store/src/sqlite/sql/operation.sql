-- One operation.
select {operation_columns} from operations where operation_id = ?1;
