-- A lock is given or taken back: only what that changes is written, under the same guard as everything else.
update events
set {lock_state_set}
where event_id = ? and status = ? and lock_serial = ?;
