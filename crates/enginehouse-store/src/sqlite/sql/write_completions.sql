-- A lock ends with success: only what that changes is written, under the same guard as everything else.
update events
set {completion_state_set}
where event_id = ? and status = ? and lock_serial = ?;
