//! How statements find their rows: by the index that was made for them, whatever the database thinks it knows of the table.

use tokio_postgres::Client;

use super::{Fresh, open_fresh};
use crate::postgres::tx::audit;
use crate::postgres::tx::reads::newest;
use crate::postgres::tx::transaction::ready;
use crate::table::sql::filled_text;

/// 20,000 events in every status, of which the database has counted those that were there when it was last asked to.
const EVENTS: &str = "
insert into enginehouse.lanes (queue, event_type, priority, required_capabilities)
select 'default', 'type-' || n, 5, '[]' from generate_series(1, 200) as n;

insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at, scenario_run_id, idempotency_key, fingerprint)
select
    gen_random_uuid(), 1 + n % 200, now(), now(), case when n % 3 = 0 then 'run-' || n % 10 end, 'key-' || n,
    decode(md5(n::text), 'hex')
from generate_series(1, 11000) as n;

insert into enginehouse.events (
    event_id, lane_id, enqueued_at, available_at, scenario_run_id, status, lock_serial, engine_id, lock_holder, claimed_at,
    lock_secret, lock_engine_epoch, lock_expires_at, lock_visibility_timeout_ms, lock_unlisted_heartbeats, lock_given_by
)
select
    gen_random_uuid(), 1 + n % 200, now(), now(), 'run-' || n % 10, 'processing', 1, 'sim-' || n % 50,
    'processing_by_sim-' || n % 50, now(), decode(md5(n::text), 'hex'), 1, now(), 300000, 0, '7'
from generate_series(1, 1000) as n;

insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at, status, finished_at)
select
    gen_random_uuid(), 1 + n % 200, now(), now(),
    case n % 8 when 0 then 'failed' when 1 then 'cancelled' else 'completed' end, now()
from generate_series(1, 8000) as n;

insert into enginehouse.event_payloads (event_id, payload) select event_id, '{}' from enginehouse.events;

insert into enginehouse.dead_letters (event_id, event_type, queue, reason, dead_lettered_at, error_code, error_group, group_id)
select gen_random_uuid(), 'type-' || n % 20, 'default', 'rejected', now(), 'code-' || n % 9, 'tile # broke', 'group-' || n % 9
from generate_series(1, 5000) as n;

insert into enginehouse.attempts (
    event_id, lock_serial, attempt, engine_id, outcome, claimed_at, ended_at, error_message, available_at
)
select gen_random_uuid(), 1, 1, 'sim-1', 'lost', now(), now(), 'no', now() from generate_series(1, 5000) as n;

insert into enginehouse.audit_log (at, principal, action, target, outcome, detail, position, hash)
select now(), 'anyone', 'event.cancel', 'target-' || n, 'done', '{}', n, decode(repeat('00', 32), 'hex')
from generate_series(1, 5000) as n;

insert into enginehouse.duration_histograms (event_type, engine_version, day, kind, total_ms, buckets)
select 'type-' || n, '', now(), 'waiting', 7, '{}' from generate_series(1, 5000) as n;

insert into enginehouse.event_minutes
select
    date_trunc('minute', now()) - interval '1 minute' * n, 'default', 'type-1', 1, 1, 1, 1, 1, 1, 1, '{}', 1, '{}'
from generate_series(1, 5000) as n;

insert into enginehouse.lane_changes (lane_id, scenario_run_id, queued, first_available_at, first_enqueued_at)
select 1 + n % 200, 'run-' || n % 10, 1, now(), now() from generate_series(1, 5000) as n;

insert into enginehouse.lane_counts select lane_id, 1, 1, 1, 1, 1 from enginehouse.lanes;

insert into enginehouse.scenario_runs select 'run-' || n, now(), 1, 1, 1, 1, 1, now(), 0 from generate_series(1, 5000) as n;

insert into enginehouse.engines
select 'sim-' || n, 'simulator', 1, 'active', 10000, now(), now(), now(), false, false, '{}' from generate_series(1, 2000) as n;
";

async fn given_tables(counted: Option<&str>) -> (Fresh, Client) {
    let fresh = open_fresh().await;
    let client = fresh.connect().await;
    for table in [
        "events",
        "event_payloads",
        "dead_letters",
        "attempts",
        "audit_log",
        "lane_changes",
        "scenario_runs",
        "engines",
    ] {
        let off = format!("alter table enginehouse.{table} set (autovacuum_enabled = off)");
        client.batch_execute(&off).await.unwrap();
    }
    if let Some(events) = counted {
        // What dies stays in the indexes while somebody holds a snapshot.
        let holder = fresh.connect().await;
        holder.batch_execute("begin isolation level repeatable read; select from pg_class limit 1").await.unwrap();
        client.batch_execute(events).await.unwrap();
        client.batch_execute("vacuum (analyze) enginehouse.events").await.unwrap();
    }
    client.batch_execute(EVENTS).await.unwrap();
    // As transactions and reads set it.
    client
        .batch_execute(
            "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off; \
             set plan_cache_mode = force_generic_plan; set jit = off",
        )
        .await
        .unwrap();
    (fresh, client)
}

/// A statement by the name of its file, or of what its parts make of it.
fn text(name: &str) -> String {
    let text = match name {
        "ready_events" => ready::OF_LANES,
        "ready_events_of_run" => ready::OF_RUN,
        "newest_events" => newest::ALL,
        "newest_events_of_key" => newest::OF_KEY,
        "newest_events_of_run" => newest::OF_RUN,
        "newest_failed_or_cancelled_events" => newest::FAILED_OR_CANCELLED,
        "newest_locked_events_of_engine" => newest::LOCKED_BY_ENGINE,
        "newest_processing_events" => newest::PROCESSING,
        "newest_queued_events" => newest::QUEUED,
        "newest_completed_events" => newest::COMPLETED,
        "newest_audit" => audit::newest::ALL,
        "newest_audit_of_target" => audit::newest::OF_TARGET,
        _ => {
            let path = format!("{}/src/postgres/sql/{name}.sql", env!("CARGO_MANIFEST_DIR"));
            return filled_text(&std::fs::read_to_string(path).unwrap(), &[]);
        }
    };
    text.to_owned()
}

/// What PostgreSQL would do, step by step.
async fn plan(client: &Client, name: &str) -> Vec<String> {
    let sql = text(name);
    let count = (1..40).take_while(|number| sql.contains(&format!("${number}"))).count();
    let arguments = if count == 0 { String::new() } else { format!("({})", vec!["null"; count].join(", ")) };
    client.batch_execute(&format!("prepare asked as {sql}")).await.unwrap();
    let rows = client.query(&format!("explain (costs off) execute asked{arguments}"), &[]).await.unwrap();
    client.batch_execute("deallocate asked").await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What the database may think: nothing, or what was so when it looked last.
const COUNTED: [Option<&str>; 5] = [
    None,
    Some(""),
    Some(
        "insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at, status, finished_at) \
         select gen_random_uuid(), 1, now(), now(), 'completed', now() from generate_series(1, 300)",
    ),
    Some(
        "insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at) \
         select gen_random_uuid(), 1, now(), now() from generate_series(1, 300)",
    ),
    Some(
        "insert into enginehouse.events (
             event_id, lane_id, enqueued_at, available_at, scenario_run_id, status, lock_serial, engine_id, lock_holder,
             claimed_at, lock_secret, lock_engine_epoch, lock_expires_at, lock_visibility_timeout_ms,
             lock_unlisted_heartbeats, lock_given_by
         )
         select
             gen_random_uuid(), 1, now(), now(), 'run-' || n % 16, 'processing', 1, 'sim-' || n % 16,
             'processing_by_sim-' || n % 16, now(), decode(md5(n::text), 'hex'), 1, now() + n * interval '1 ms', 300000, 0,
             n::text::xid8
         from generate_series(1, 30000) as n;
         update enginehouse.events
         set
             status = 'completed', finished_at = now(), lock_holder = null, lock_secret = null, lock_engine_epoch = null,
             lock_expires_at = null, lock_visibility_timeout_ms = null, lock_unlisted_heartbeats = null, lock_given_by = null",
    ),
];

/// Each of these is run for every transaction, or for every page of a list.
#[tokio::test]
async fn statements_find_their_rows_by_an_index() {
    const STEPS: &[(&str, &[&str])] = &[
        (
            "ready_events",
            &["events_ready|(lane_id = r.lane_id) AND (available_at <= $4) AND (ROW(available_at, event_id) >="],
        ),
        (
            "ready_events_of_run",
            &[
                "events_ready_of_run|(scenario_run_id >= $6) AND (scenario_run_id <= $6) AND (lane_id = r.lane_id) AND (available_at <= $4)",
            ],
        ),
        (
            "ready_counts",
            &["events_ready|(lane_id = r.lane_id) AND (available_at <= $3) AND (available_at >= r.from_at)"],
        ),
        ("next_ready_at", &["events_ready|(lane_id = r.lane_id) AND (available_at > $2)"]),
        ("events_by_id", &["events_key|(event_id = ANY ($1))"]),
        ("payloads", &["event_payloads_key|(event_id = ANY ($1))"]),
        ("write_events", &["events_key|(event_id = c.event_id)"]),
        ("write_event_payloads", &["event_payloads_key|(event_id = c.event_id)"]),
        (
            "delete_events",
            &[
                "events_key|= ANY ($1)",
                "event_payloads_key|= ANY ($1)",
                "attempts_key|= ANY ($1)",
                "dead_letters_key|= ANY ($1)",
            ],
        ),
        ("events_by_idempotency_key", &["events_idempotency_key|(idempotency_key = ANY ($1))"]),
        ("held_events", &["events_locks_of_engine|(engine_id = h.engine_id) AND (lock_given_by >= h.from_xact)"]),
        (
            "held_events_for_update",
            &[
                "events_locks_of_engine|(engine_id = h.engine_id) AND (lock_given_by >= h.from_xact)",
                "events_key|(event_id = ANY",
            ],
        ),
        ("count_locks", &["events_locks_of_engine|(engine_id = h.engine_id) AND (lock_given_by >= h.from_xact)"]),
        ("locks_expiring", &["events_lock_expiry|(lock_expires_at <= $1) AND (lock_expires_at >= $2)"]),
        ("next_lock_expiry", &["events_lock_expiry|(lock_expires_at >= $1)"]),
        ("expired_events", &["events_expiry|(expires_at <= $1) AND (expires_at >= $2)"]),
        ("next_event_expiry", &["events_expiry|(expires_at >= $1)"]),
        ("expiries_before", &["events_expiry|(expires_at < $1)"]),
        ("prunable_completed_events", &["events_completed|(finished_at < $1) AND (finished_at >= $2)"]),
        ("prunable_failed_events", &["events_failed_or_cancelled|(finished_at < $1) AND (finished_at >= $2)"]),
        (
            "oldest_finished",
            &["events_completed|(finished_at >= $1)", "events_failed_or_cancelled|(finished_at >= $2)"],
        ),
        ("delete_empty_lanes", &["events_ready|(lane_id = l.lane_id)"]),
        ("delete_gone_engines", &["events_locks_of_engine|(engine_id = g.engine_id)"]),
        ("changed_lanes", &["lanes_changed_by|(changed_by >= $1)"]),
        ("lanes_by_key", &["lanes_requirements|(queue = k.queue) AND (event_type = k.event_type)"]),
        ("free_engines_by_id", &["engines_key|(engine_id = ANY ($1))"]),
        ("delete_dead_letters", &["dead_letters_key|(event_id = ANY ($1))"]),
        ("engines_by_id", &["engines_key|(engine_id = ANY ($1))"]),
        ("write_engines", &["engines_key|(engine_id = c.engine_id)"]),
        ("status_counts", &["lane_changes_changed_by|(changed_by >= $1)"]),
        ("compact_lane_changes", &["lane_changes_changed_by|(changed_by >= $2) AND (changed_by < $3)"]),
        (
            "lane_counts",
            &[
                "events_ready|(lane_id = l.lane_id) AND (available_at >= r.from_at)",
                "lane_changes_changed_by|(changed_by >= $1)",
            ],
        ),
        (
            "scenario_runs",
            &[
                "scenario_runs_key|(scenario_run_id > $1)",
                "scenario_runs_key|(scenario_run_id = c.scenario_run_id)",
                "lane_changes_changed_by|(changed_by >= $3)",
            ],
        ),
        ("scenario_run", &["scenario_runs_key|(scenario_run_id = $1)", "lane_changes_changed_by|(changed_by >= $2)"]),
        ("records", &["events_key|(event_id = ", "event_payloads_key|(event_id = "]),
        ("newest_events", &["events_key|(event_id < $1)"]),
        ("newest_events_of_key", &["events_idempotency_key|(idempotency_key = $17)"]),
        (
            "newest_events_of_run",
            &["events_of_run|(scenario_run_id >= $17) AND (ROW(scenario_run_id, event_id) < ROW($17, $1))"],
        ),
        (
            "newest_failed_or_cancelled_events",
            &["events_failed_or_cancelled_newest|(status >= $4) AND (ROW(status, event_id) < ROW($4, $1))"],
        ),
        ("newest_locked_events_of_engine", &["events_locks_of_engine|(engine_id = $7) AND (lock_given_by >= $17)"]),
        ("dead_letters", &["dead_letters_key|(event_id < $1)"]),
        ("matching_dead_letters", &["dead_letters_key|"]),
        ("engines", &["engines_key|(engine_id > $1)"]),
        ("attempts", &["attempts_key|(event_id = $1)"]),
        ("audit_of_target", &["audit_log_target|(target = $1)"]),
        ("delete_audit", &["audit_log_position|(\"position\" <= $1)"]),
        ("oldest_linked_audit", &["audit_log_position|"]),
        ("audit_chain", &["audit_log_position|(\"position\" > $1)"]),
        ("unlinked_audit", &["audit_log_unlinked|"]),
        ("newest_audit", &["audit_log_at|(ROW(at, audit_id) < ROW($1, $2)) AND (at >= $3)"]),
        ("newest_audit_of_target", &["audit_log_target|(target = $5)"]),
        ("token_addresses", &["audit_log_target|(target = $1)"]),
        ("operations", &["operations_key|(operation_id < $1)"]),
        ("unfinished_operations", &["operations_unfinished|"]),
        ("pending_operation_members", &["operation_members_key|((operation_id = $1) AND (place > $2))"]),
        (
            "delete_operation_members",
            &["operation_members_key|((operation_id = $1) AND (place > $2) AND (place <= $3))"],
        ),
        ("durations_of_type", &["duration_histograms_key|(event_type = $1)"]),
        ("delete_durations", &["duration_histograms_day|(day < $1)"]),
        ("delete_minutes", &["event_minutes_key|(minute < $1)"]),
        ("minutes", &["event_minutes_key|(ROW(minute, queue, event_type) > ROW($1, $2, $3)) AND (minute < $4)"]),
    ];
    for counted in COUNTED {
        let (_fresh, client) = given_tables(counted).await;
        for (name, steps) in STEPS {
            let plan = plan(&client, name).await;
            assert_no_whole_look(name, &plan);
            for step in *steps {
                let (index, condition) = step.split_once('|').unwrap();
                assert!(finds(&plan, index, condition), "{name}, {counted:?}, {step}:\n{}", plan.join("\n"));
            }
        }
    }
}

/// Of the events in one status, which are few: in whatever order, and by an index that holds no others.
#[tokio::test]
async fn statements_that_sort_look_at_events_of_their_status_only() {
    for counted in COUNTED {
        let (_fresh, client) = given_tables(counted).await;
        for (name, indexes) in [
            ("newest_queued_events", &["events_ready"][..]),
            ("newest_completed_events", &["events_completed"]),
            ("newest_processing_events", &["events_lock_expiry", "events_locks_of_engine"]),
            ("engines_of_run", &["events_lock_expiry", "events_locks_of_engine"]),
        ] {
            let plan = plan(&client, name).await;
            assert_no_whole_look(name, &plan);
            let found = indexes.iter().any(|index| finds(&plan, index, ""));
            assert!(found, "{name}, {counted:?}:\n{}", plan.join("\n"));
        }
    }
}

/// A page ends where it is full: nothing before it needs all rows that might be looked at.
#[tokio::test]
async fn a_page_sorts_nothing() {
    let (_fresh, client) = given_tables(None).await;
    for name in
        ["newest_events", "newest_events_of_run", "newest_failed_or_cancelled_events", "dead_letters", "engines"]
    {
        let plan = plan(&client, name).await;
        assert!(!plan.iter().any(|step| step.contains("Sort")), "{name}:\n{}", plan.join("\n"));
    }
}

fn assert_no_whole_look(name: &str, plan: &[String]) {
    let whole = ["Seq Scan on events", "Seq Scan on event_payloads", "Seq Scan on dead_letters", "Bitmap"];
    let found = plan.iter().any(|step| whole.iter().any(|whole| step.contains(whole)));
    assert!(!found, "{name}:\n{}", plan.join("\n"));
}

/// A step of a plan without what stands for a column whose type is a domain: `(e.queue)::text` is `e.queue`.
fn without_casts(step: &str) -> String {
    let is_column = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
    let mut parts: Vec<_> = step.split("::text").map(str::to_owned).collect();
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        if let Some((before, name)) = part.strip_suffix(')').and_then(|cast| cast.rsplit_once('('))
            && is_column(name)
        {
            *part = format!("{before}{name}");
        }
    }
    parts.concat()
}

/// Whether some step looks into an index, from and to where a condition says.
fn finds(plan: &[String], index: &str, condition: &str) -> bool {
    plan.iter().zip(plan[1..].iter().chain([&String::new()])).any(|(step, next)| {
        let by = step.split_once(" using ").and_then(|(_, by)| by.split(' ').next());
        by == Some(index)
            && (condition.is_empty() || next.contains("Index Cond:") && without_casts(next).contains(condition))
    })
}
