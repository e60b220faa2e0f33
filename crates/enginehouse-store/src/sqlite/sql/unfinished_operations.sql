-- Operations that go on, oldest first.
select {operation_columns} from operations where finished_at is null order by operation_id limit ?1;
