-- Operations, newest first, from before a place.
select {operation_columns} from operations where operation_id < ?1 order by operation_id desc limit ?2;
