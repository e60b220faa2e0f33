-- A lock lasts longer: only what that changes is written, under the same guard as everything else.
update events
set {renewal_state_set}
where event_id = ? and status = ? and lock_serial = ?;
