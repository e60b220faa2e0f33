//! How statements find their rows: by the index that was made for them, and without sorting.

use rusqlite::StatementStatus;

use super::{TestFolder, connect};
use crate::conformance::given::{after, begin, change, claim, complete, engine_id, given_events, ids, write_in};
use crate::rows::ReadyRange;
use crate::sqlite::audit;
use crate::sqlite::columns::sql;
use crate::sqlite::dead_letters::groups;
use crate::sqlite::search::newest;

/// What SQLite would do, step by step.
fn plan(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
    let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn ready_events_are_read_from_the_ready_index_alone() {
    let folder = TestFolder::new();
    drop(folder.open());
    let connection = connect(&folder.path());
    assert_eq!(
        plan(&connection, sql!("ready_events")),
        [
            "SEARCH events USING COVERING INDEX events_ready (lane_id=? AND (available_at,event_id)>(?,?) AND available_at<?)"
        ]
    );
}

/// Each of these runs while the writer waits, however many events there are.
#[test]
fn statements_of_every_transaction_find_their_rows_by_an_index() {
    let folder = TestFolder::new();
    drop(folder.open());
    let connection = connect(&folder.path());
    for (name, sql, index) in [
        (
            "ready_events_of_run",
            sql!("ready_events_of_run"),
            "COVERING INDEX events_ready_of_run (scenario_run_id=? AND lane_id=? AND (available_at,event_id)>(?,?) AND available_at<?)",
        ),
        ("next_ready_at", sql!("next_ready_at"), "COVERING INDEX events_ready (lane_id=? AND available_at>?)"),
        ("events_by_id", sql!("events_by_id"), "PRIMARY KEY (event_id=?)"),
        ("payloads", sql!("payloads"), "PRIMARY KEY (event_id=?)"),
        ("write_events", sql!("write_events"), "PRIMARY KEY (event_id=?)"),
        ("delete_events", sql!("delete_events"), "PRIMARY KEY (event_id=?)"),
        (
            "events_by_idempotency_key",
            sql!("events_by_idempotency_key"),
            "INDEX events_idempotency_key (idempotency_key=?)",
        ),
        ("held_events", sql!("held_events"), "INDEX events_locks_of_engine (engine_id=?)"),
        ("count_locks", sql!("count_locks"), "COVERING INDEX events_locks_of_engine (engine_id=?)"),
        (
            "locks_expiring",
            sql!("locks_expiring"),
            "COVERING INDEX events_lock_expiry ((lock_expires_at,event_id)>(?,?) AND lock_expires_at<?)",
        ),
        ("next_lock_expiry", sql!("next_lock_expiry"), "COVERING INDEX events_lock_expiry"),
        ("expired_events", sql!("expired_events"), "COVERING INDEX events_expiry (expires_at>? AND expires_at<?)"),
        ("next_event_expiry", sql!("next_event_expiry"), "COVERING INDEX events_expiry (expires_at>?)"),
        (
            "prunable_completed_events",
            sql!("prunable_completed_events"),
            "COVERING INDEX events_completed (finished_at<?)",
        ),
        ("prunable_failed_events", sql!("prunable_failed_events"), "INDEX events_failed_or_cancelled (finished_at<?)"),
        ("oldest_completed", sql!("oldest_completed"), "COVERING INDEX events_completed"),
        ("oldest_failed", sql!("oldest_failed"), "INDEX events_failed_or_cancelled"),
        (
            "lanes_by_key",
            sql!("lanes_by_key"),
            "COVERING INDEX lanes_key (queue=? AND event_type=? AND priority=? AND required_capabilities=? AND <expr>=? AND <expr>=? AND <expr>=?)",
        ),
        ("silent_engines", sql!("silent_engines"), "INDEX engines_lost_due (lost_due_at<?)"),
        ("next_engine_loss", sql!("next_engine_loss"), "COVERING INDEX engines_lost_due (lost_due_at>?)"),
        (
            "newest_failed_or_cancelled_events",
            newest::FAILED_OR_CANCELLED,
            "INDEX events_failed_or_cancelled_newest (status=? AND event_id<?)",
        ),
        ("newest_events_of_key", newest::OF_KEY, "INDEX events_idempotency_key (idempotency_key=? AND event_id<?)"),
        ("newest_events_of_run", newest::OF_RUN, "INDEX events_of_run (scenario_run_id=? AND event_id<?)"),
        (
            "newest_locked_events_of_engine",
            newest::LOCKED_BY_ENGINE,
            "INDEX events_locks_of_engine (engine_id=? AND event_id<?)",
        ),
        ("newest_events", newest::ALL, "PRIMARY KEY (event_id<?)"),
        ("attempts", sql!("attempts"), "PRIMARY KEY (event_id=?)"),
        ("durations_of_type", sql!("durations_of_type"), "PRIMARY KEY (event_type=?)"),
        ("audit_of_target", sql!("audit_of_target"), "INDEX audit_log_target (target=?)"),
    ] {
        let plan = plan(&connection, sql);
        // What follows the first step goes by the key to the rows of the event that it has found.
        assert!(plan[1..].iter().all(|step| step.ends_with("USING PRIMARY KEY (event_id=?)")), "{name}: {plan:?}");
        assert!(plan[0].ends_with(&format!("USING {index}")), "{name}: {plan:?}");
    }
}

/// Groups, lanes and engines are looked at one by one, events only by an index.
#[test]
fn counts_look_at_no_event_that_is_not_counted() {
    let folder = TestFolder::new();
    drop(folder.open());
    let connection = connect(&folder.path());
    for (sql, must) in [
        (sql!("lane_counts"), "SEARCH e USING COVERING INDEX events_ready (lane_id=?)"),
        (sql!("delete_gone_engines"), "SEARCH e USING COVERING INDEX events_locks_of_engine (engine_id=?)"),
        (sql!("engines_of_run"), "SCAN events USING COVERING INDEX events_locks_of_engine"),
        (groups::ALL, "SCAN dead_letters USING COVERING INDEX dead_letters_groups"),
        (sql!("delete_audit"), "SEARCH audit_log USING INDEX audit_log_position (position<?)"),
        (sql!("audit_chain"), "SEARCH audit_log USING INDEX audit_log_position (position>?)"),
        (sql!("oldest_linked_audit"), "SEARCH audit_log USING INDEX audit_log_position (position>?)"),
        (sql!("unlinked_audit"), "SCAN audit_log USING INDEX audit_log_unlinked"),
        (audit::newest::ALL, "SEARCH audit_log USING INDEX audit_log_at (at>? AND at<?)"),
        (audit::newest::OF_TARGET, "SEARCH audit_log USING INDEX audit_log_target (target=?)"),
        (sql!("operations"), "SEARCH operations USING PRIMARY KEY (operation_id<?)"),
        (sql!("unfinished_operations"), "SCAN operations USING INDEX operations_unfinished"),
        (sql!("pending_operation_members"), "SEARCH operation_members USING PRIMARY KEY (operation_id=? AND place>?)"),
        (
            sql!("delete_operation_members"),
            "SEARCH operation_members USING PRIMARY KEY (operation_id=? AND place>? AND place<?)",
        ),
        (sql!("prune_members_of_old_operations"), "SEARCH o USING COVERING INDEX operations_finished (finished_at<?)"),
        (sql!("delete_durations"), "SEARCH duration_histograms USING COVERING INDEX duration_histograms_day (day<?)"),
        (sql!("delete_minutes"), "SEARCH event_minutes USING PRIMARY KEY (minute<?)"),
        (sql!("minutes"), "SEARCH event_minutes USING PRIMARY KEY ((minute,queue,event_type)>(?,?,?) AND minute<?)"),
        (newest::PROCESSING, "SCAN events USING COVERING INDEX events_locks_of_engine"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.iter().any(|step| step == must), "{plan:?}");
        assert!(!plan.iter().any(|step| step == "SCAN e" || step == "SCAN events"), "{plan:?}");
    }
}

/// What runs for each event.
const OF_EACH_EVENT: [(&str, &str); 9] = [
    ("insert_events", sql!("insert_events")),
    ("insert_event_payloads", sql!("insert_event_payloads")),
    ("ready_events", sql!("ready_events")),
    ("ready_event", sql!("ready_event")),
    ("events_by_id", sql!("events_by_id")),
    ("held_events", sql!("held_events")),
    ("write_locks", sql!("write_locks")),
    ("write_completions", sql!("write_completions")),
    ("add_lane_counts", sql!("add_lane_counts")),
];

/// Where a plan may depend on the values that are given, SQLite prepares the statement anew for each of them, which takes
/// several times as long as to run it.
#[tokio::test]
async fn what_runs_for_each_event_is_prepared_once() {
    let folder = TestFolder::new();
    let store = folder.open();
    let lane_id = given_events(&store, "render", 1..=5).await;
    for number in 1..=5 {
        let mut tx = begin(&store).await;
        let found = tx.ready_events(&[ReadyRange { lane_id, after: None }], 3).await.unwrap();
        assert!(!found.is_empty());
        tx.held_events(&[engine_id("sim-1")]).await.unwrap();
        drop(tx);
        claim(&store, number, "sim-1").await;
        let mut tx = begin(&store).await;
        let read = tx.events_by_id(&ids([number])).await.unwrap().remove(0);
        let state = after(&read.state, &complete(&read.state), tx.now()).0;
        write_in(&mut *tx, &[change(&read, state)]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let writer = store.writer.lock().await;
    let writer = writer.as_ref().unwrap();
    for (name, sql) in OF_EACH_EVENT {
        let statement = writer.connection.prepare_cached(sql).unwrap();
        assert!(statement.get_status(StatementStatus::Run) > 0, "{name} was not run");
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{name}");
    }
}

#[test]
fn what_runs_for_each_event_makes_no_tables_of_its_own() {
    let folder = TestFolder::new();
    drop(folder.open());
    let connection = connect(&folder.path());
    for (name, sql) in OF_EACH_EVENT {
        let mut explain = connection.prepare(&format!("explain {sql}")).unwrap();
        let parameters = vec![rusqlite::types::Null; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(1)).unwrap();
        let steps = steps.collect::<Result<Vec<_>, _>>().unwrap();
        let tables =
            steps.iter().filter(|step| ["OpenEphemeral", "OpenAutoindex", "SorterOpen"].contains(&step.as_str()));
        assert_eq!(tables.count(), 0, "{name}: {steps:?}");
    }
}
