-- Write an event that still stands as it was read: a decision on a stale reading finds no row.
-- Run once per event: in process, a statement costs no round trip.
update events
set {state_set}
where event_id = ? and status = ? and lock_serial = ?;
