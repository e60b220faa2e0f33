//! `enginehouse bench` on a server in use: its figures add up, it touches nothing of others, and it leaves nothing behind.

use std::process::Stdio;

use enginehouse_api::engines::EnginesQuery;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::event_types::PauseRequest;
use enginehouse_api::events::EventsQuery;
use enginehouse_client::Client;
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::{EngineFilter, EventFilter};
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{command, run, terminate, text, until};
use serde_json::{Value, json};

/// A queue in which others have events.
const QUEUE: &str = "orders";

/// How many events of everybody are queued or held.
async fn unfinished(client: &Client) -> u64 {
    let events = client.stats().await.unwrap().events;
    events.queued + events.processing
}

/// How many engines of benches are not stopped.
async fn engines_of_benches(client: &Client) -> usize {
    let filter = EngineFilter { engine_type: Some("enginehouse-bench".parse().unwrap()), ..EngineFilter::default() };
    let engines = client.engines(&EnginesQuery { filter, ..EnginesQuery::default() }).await.unwrap().items;
    engines.iter().filter(|engine| engine.status.name() != "stopped").count()
}

/// Runs a bench that ends well, and answers its document.
fn bench(url: &str, flags: &[&str]) -> Value {
    let output = run(url, ["bench", "-o", "json"].iter().chain(flags), "");
    assert_eq!(output.status.code(), Some(0), "{flags:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn count(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}: {report:#}"))
}

#[tokio::test]
async fn a_bench_adds_up_and_neither_takes_from_others_nor_leaves_anything() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let client = server.client();
    // Somebody's event, which no engine of a bench may take.
    let theirs =
        EnqueueRequest { event_type: "order".to_owned(), queue: Some(QUEUE.to_owned()), ..EnqueueRequest::default() };
    client.enqueue(&theirs).await.unwrap();
    for (flags, enqueued, completed) in [
        (&[][..], 100, 100),
        (&["--exchange", "--batch", "7", "--queue", QUEUE], 100, 100),
        (&["--rate", "500", "--batch", "3", "--payload-bytes", "40"], 100, 100),
        (&["--engines", "0"], 100, 0),
        (&["--producers", "0", "--queue", QUEUE], 0, 100),
    ] {
        let report = bench(&server.url, &[&["--events", "100"], flags].concat());
        let context = format!("{flags:?}: {report:#}");
        assert_eq!((count(&report, "/enqueued"), count(&report, "/completed")), (enqueued, completed), "{context}");
        let left = enqueued.saturating_sub(completed);
        assert_eq!(count(&report, "/clean_up/events_cancelled"), left, "{context}");
        assert_eq!(count(&report, "/clean_up/engines_deregistered"), count(&report, "/load/engines"), "{context}");
        assert_eq!((&report["ended_by"], &report["errors"]), (&json!("events"), &json!([])), "{context}");
        let timed = report["histogram"]["of"].as_str().unwrap();
        let in_buckets =
            report["histogram"]["buckets"].as_array().unwrap().iter().map(|bucket| count(bucket, "/count"));
        assert_eq!(in_buckets.sum::<u64>(), count(&report, &format!("/latency_ms/{timed}/count")), "{context}");
        assert_eq!(unfinished(&client).await, 1, "theirs alone is left: {context}");
        assert_eq!(engines_of_benches(&client).await, 0, "{context}");
    }
}

#[test]
fn a_call_that_waited_for_its_producer_is_late_from_its_plan_on() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let flags = ["--engines", "0", "--producers", "1", "--events", "100"];
    let p50_of_the_run = |flags: &[&str]| {
        let report = bench(&server.url, flags);
        let p50 = report.pointer("/latency_ms/enqueue/p50").and_then(Value::as_f64).unwrap();
        p50 / report["measured_seconds"].as_f64().unwrap() / 1_000.0
    };
    // All are planned for the first millisecond, and one connection makes one call after the other.
    let open = p50_of_the_run(&[&flags[..], &["--rate", "100000"]].concat());
    let closed = p50_of_the_run(&flags);
    assert!(open > 0.2 && closed < 0.1, "of the whole run: {open} and {closed}");
}

#[tokio::test]
async fn events_of_a_bench_go_to_nobody_else() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let client = server.client();
    let request = serde_json::from_value(json!({ "engine_type": "takes_all" })).unwrap();
    let engine = client.register_new(&request).await.unwrap();
    let claim = serde_json::from_value(json!({ "epoch": engine.epoch, "limit": 1000 })).unwrap();
    let kept = bench(&server.url, &["--engines", "0", "--events", "30", "--queue", QUEUE, "--keep"]);
    assert_eq!((count(&kept, "/backlog"), count(&kept, "/clean_up/events_cancelled")), (30, 0));
    assert!(client.claim(&engine.engine_id, &claim).await.unwrap().events.is_empty());
    let filter = EventFilter {
        status: Some(EventStatus::Queued),
        event_type: Some(kept["event_type"].as_str().unwrap().parse().unwrap()),
        queue: Some(QUEUE.parse().unwrap()),
        ..EventFilter::default()
    };
    let found = client.events(&EventsQuery { filter, ..EventsQuery::default() }).await.unwrap();
    assert_eq!(found.items.len(), 30, "they are kept");
}

#[tokio::test]
async fn an_interrupted_bench_shows_its_figures_and_leaves_nothing() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let client = server.client();
    let child = command(["bench", "-o", "json", "--duration", "1m", "--producers", "16", "--engines", "2"])
        .env("ENGINEHOUSE_URL", &server.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("there are a backlog and completed events", async || {
        let events = client.stats().await.unwrap().events;
        (events.queued > 20 && events.completed > 0).then_some(())
    })
    .await;
    enginehouse_tests::interrupt(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended_by"], "interrupted");
    let cancelled = count(&report, "/clean_up/events_cancelled");
    assert_eq!(count(&report, "/enqueued"), count(&report, "/completed") + cancelled, "{report:#}");
    assert!(cancelled > 0 && count(&report, "/completed") > 0, "{report:#}");
    assert_eq!((unfinished(&client).await, engines_of_benches(&client).await), (0, 0));
}

#[tokio::test]
async fn a_bench_that_gets_nowhere_says_why() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&["--max-queued-per-queue", "5"]);
    let client = server.client();
    let full = ["bench", "-o", "json", "--engines", "0", "--events", "20", "--producers", "1"];
    let child = command(full).env("ENGINEHOUSE_URL", &server.url).stdout(Stdio::piped()).spawn().unwrap();
    until("the queue is full", async || (unfinished(&client).await == 5).then_some(())).await;
    until("it was refused", async || {
        let refused = server.metrics("enginehouse_http_requests_total").await;
        refused.iter().any(|(line, _)| line.contains("429")).then_some(())
    })
    .await;
    terminate(&child);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((count(&report, "/enqueued"), count(&report, "/clean_up/events_cancelled")), (5, 5), "{report:#}");
    let refused = &report["errors"][0];
    assert_eq!((&refused["call"], &refused["code"]), (&json!("enqueue"), &json!("limit_reached")), "{report:#}");
    assert!(count(refused, "/count") > 0);

    client.pause_queue(&QUEUE.parse().unwrap(), &PauseRequest::default()).await.unwrap();
    let paused = run(&server.url, ["bench", "--queue", QUEUE], "");
    let message = text(&paused.stderr);
    assert_eq!(paused.status.code(), Some(4), "{message}");
    assert!(message.contains("queue orders is paused") && message.contains("queue resume orders"), "{message}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (flags, status, why) in [
        (&["--producers", "0", "--engines", "0"][..], 2, "neither producers nor engines"),
        (&["--producers", "0"], 2, "--events"),
        (&["--producers", "0", "--events", "5", "--rate", "5"], 2, "--rate"),
        (&["--producers", "0", "--events", "5", "--warm-up", "1s"], 2, "warm-up"),
        (&["--engines", "0", "--exchange"], 2, "--exchange"),
        (&["--duration", "5"], 2, "10s"),
        (&["--duration", "5s", "--events", "5"], 2, "--events"),
        (&["--rate", "0"], 2, "above 0"),
        (&["--payload-bytes", "10"], 2, "40"),
        (&["--batch", "1000", "--payload-bytes", "200000"], 2, "67,108,864 bytes"),
        (&["--events", "5"], 6, "enginehouse serve"),
    ] {
        let output = run("http://127.0.0.1:9", ["bench"].iter().chain(flags), "");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{flags:?}: {message}");
        assert!(message.contains(why), "{flags:?}: {message}");
        assert!(output.stdout.is_empty());
    }
}
