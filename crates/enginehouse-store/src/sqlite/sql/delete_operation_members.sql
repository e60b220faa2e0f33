-- Take away members up to a place that have had their turn.
delete from operation_members where operation_id = ?1 and place > ?2 and place <= ?3;
