//! An operator's evening: finding events, acting on many of them, and names that are misspelt.

use std::process::Output;

use enginehouse_api::settle::{SettleRequest, Settlement};
use enginehouse_client::Client;
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, run, text};
use serde_json::Value;

struct Evening {
    server: TestServer,
    _store: TestStore,
}

impl Evening {
    fn begin() -> Self {
        let store = TestStore::on(crate::STORE);
        Self { server: store.serve(&[]), _store: store }
    }

    fn run(&self, line: &str) -> Output {
        run(&self.server.url, line.split_whitespace(), "")
    }

    /// Runs a command that has to succeed, and answers what it printed.
    fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} -o json"))).unwrap()
    }

    /// Enqueues so many events, with flags.
    fn enqueue(&self, count: usize, flags: &str) {
        let arguments = ["event", "enqueue", "--file", "-"].into_iter().chain(flags.split_whitespace());
        let output = run(&self.server.url, arguments, &"{}\n".repeat(count));
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn count(&self, flags: &str) -> usize {
        self.done(&format!("event list --all -q {flags}")).lines().count()
    }
}

#[test]
fn events_are_listed_by_label_key_and_priority() {
    let evening = Evening::begin();
    evening.enqueue(3, "--event-type a --label team=x --label part=1");
    evening.enqueue(2, "--event-type a --label team=y --priority 1");
    let one = evening.done("event enqueue b --idempotency-key order-17 -q");
    for (flags, count) in [
        ("--label team=x", 3),
        ("--label part=1 --event-type a --status queued", 3),
        ("--label team=", 0),
        ("--priority 1", 2),
        ("--priority 5", 4),
        ("--idempotency-key order-17", 1),
        ("--idempotency-key order-18", 0),
    ] {
        assert_eq!(evening.count(flags), count, "{flags}");
    }
    assert_eq!(evening.done("event list --idempotency-key order-17 -q"), one);
    assert_eq!(evening.run("event list --label team").status.code(), Some(2));
}

#[test]
fn all_that_match_are_shown_first_and_then_acted_on() {
    let evening = Evening::begin();
    evening.enqueue(1_200, "--event-type a --queue broken --delay-seconds 3600");
    evening.enqueue(5, "--event-type a");
    let shown = evening.run("event cancel --queue broken --dry-run -q");
    assert_eq!(text(&shown.stdout), evening.done("event list --all -q --queue broken"), "in the order of the list");
    assert!(text(&shown.stderr).contains("1200 events would be acted on; nothing was done"), "{}", text(&shown.stderr));
    // Without a terminal nobody can be asked.
    let unasked = evening.run("event retry --queue broken");
    assert_eq!(unasked.status.code(), Some(9));
    let message = text(&unasked.stderr);
    assert!(message.contains("Make available now 1200 events; the first 10:"), "{message}");
    assert_eq!(evening.json("event retry --queue broken --yes")["changed"], 1_200);
    assert_eq!(evening.json("event retry --queue broken --yes")["changed"], 0, "they wait no more");
    assert_eq!(evening.json("event cancel --queue broken --yes")["changed"], 1_200);
    assert_eq!(evening.json("event cancel --queue broken --yes")["changed"], 0);
    assert_eq!((evening.count("--status cancelled"), evening.count("--status queued")), (1_200, 5));
    assert_eq!(evening.json("event cancel --all --yes")["changed"], 5);
    for nothing in
        ["event cancel", "event cancel --yes", "event retry --all --queue broken", "event cancel --status failed --yes"]
    {
        assert_eq!(evening.run(nothing).status.code(), Some(2), "{nothing}");
    }
}

#[test]
fn what_was_cancelled_can_be_redriven() {
    let evening = Evening::begin();
    let event = evening.done("event enqueue a -q");
    let event = event.trim();
    evening.done(&format!("event cancel {event}"));
    let redriven = evening.json(&format!("event redrive {event} --payload 7"));
    assert_eq!((&redriven["status"], &redriven["payload"]), (&"queued".into(), &7.into()));
    assert_eq!(evening.run(&format!("event redrive {event}")).status.code(), Some(4));
}

#[test]
fn a_queue_is_set_shown_and_forgotten() {
    let evening = Evening::begin();
    evening.enqueue(1, "--event-type a --queue render");
    assert_eq!(evening.run("queue show nosuch").status.code(), Some(3));
    evening.done("queue set render --max-retries 5 --retry-delay-initial 10");
    evening.done("queue set render --max-losses 2");
    let shown = evening.done("queue show render");
    assert!(
        shown.contains("max_retries") && shown.contains("max_losses") && shown.contains("retry_delay.initial"),
        "{shown}"
    );
    evening.done("queue pause render");
    assert_eq!(evening.run("queue delete render").status.code(), Some(9), "it is paused");
    let forgotten = evening.done("queue delete render --yes");
    assert!(forgotten.contains("paused max_retries=5"), "{forgotten}");
    assert_eq!(evening.json("queue show render")["paused"], false);
    evening.done("event-type set a --max-retries 5");
    let forgotten = evening.done("event-type delete a");
    assert!(forgotten.contains("max_retries=5"), "{forgotten}");
    assert!(!evening.done("event-type show a").contains("max_retries"));
    assert_eq!(evening.run("event-type delete nosuch").status.code(), Some(3));
}

#[test]
fn a_name_that_nobody_has_seen_is_said_to_be_one() {
    let evening = Evening::begin();
    evening.enqueue(1, "--event-type frame.render --queue render");
    for (line, note) in [
        ("queue pause rendr", "note: no queue rendr has been seen so far; did you mean render?"),
        ("queue set elsewhere --max-retries 1", "note: no queue elsewhere has been seen so far\n"),
        (
            "event-type pause frame.rendre",
            "note: no event type frame.rendre has been seen so far; did you mean frame.render?",
        ),
        ("event list --queue rendre", "note: no queue rendre has been seen so far; did you mean render?"),
        ("event cancel --event-type frame.rander --yes --dry-run", "did you mean frame.render?"),
        ("dead list --queue nosuch", "note: no queue nosuch has been seen so far\n"),
    ] {
        let output = evening.run(line);
        let message = text(&output.stderr);
        assert!(output.status.success() && message.contains(note), "{line}: {message}");
    }
    let known = evening.run("queue pause render");
    assert_eq!(text(&known.stderr), "");
}

#[test]
fn an_event_says_what_it_is_paused_by() {
    let evening = Evening::begin();
    let event = evening.done("event enqueue a --queue render -q");
    let shown = || evening.done(&format!("event show {}", event.trim()));
    assert!(!shown().contains("paused"));
    let paused = run(&evening.server.url, ["queue", "pause", "render", "--reason", "disk full"], "");
    assert!(paused.status.success());
    evening.done("event-type pause a");
    let shown_text = shown();
    assert!(shown_text.contains(" (disk full), until somebody says `enginehouse queue resume render`"), "{shown_text}");
    assert!(
        shown_text.contains("event type a since 20") && shown_text.contains("`enginehouse event-type resume a`"),
        "{shown_text}"
    );
    let paused = evening.json("queue show render");
    assert_eq!((&paused["paused"], &paused["pause_reason"]), (&true.into(), &"disk full".into()));
    assert!(evening.done("queue show render").contains("paused_at     20"), "{}", evening.done("queue show render"));
    assert!(evening.done("queue list").contains("s ago"), "{}", evening.done("queue list"));
    assert!(evening.done("queue list -o wide").contains("disk full"), "{}", evening.done("queue list -o wide"));
    // What is set otherwise leaves the pause as it is.
    let set = evening.json("queue set render --max-retries 5");
    assert_eq!((&set["paused_at"], &set["pause_reason"]), (&paused["paused_at"], &"disk full".into()));
    assert!(evening.json("event-type show a")["paused_at"].is_string());
    let refused = evening.run("queue pause render --reason=");
    assert_eq!((refused.status.code(), text(&refused.stderr).contains("/reason: must be")), (Some(2), true));
    evening.done("queue resume render");
    evening.done("event-type resume a");
    assert!(!shown().contains("paused"));
    assert!(evening.json("queue show render").get("paused_at").is_none());
}

#[tokio::test]
async fn runs_statistics_and_engines_are_at_hand() {
    let evening = Evening::begin();
    evening.enqueue(3, "--event-type a --queue render --scenario-run-id run-7");
    let request = serde_json::from_str(r#"{"engine_type":"test"}"#).unwrap();
    let engine_id = "sim-1".parse().unwrap();
    let engine = evening.server.client().register(&engine_id, &request).await.unwrap();
    let claim = serde_json::from_value(serde_json::json!({ "epoch": engine.epoch, "limit": 2 })).unwrap();
    assert_eq!(evening.server.client().claim(&engine_id, &claim).await.unwrap().events.len(), 2);
    let shown = evening.json("run show run-7");
    assert_eq!((&shown["events"]["processing"], &shown["engines"][0]), (&2.into(), &"sim-1".into()));
    assert_eq!(evening.done("run list -q"), "run-7\n");
    assert_eq!(evening.run("run show nosuch").status.code(), Some(3));
    let stats = evening.done("stats");
    assert!(stats.contains("1 queued, 2 processing") && stats.contains("1 active"), "{stats}");
    assert!(
        stats.lines().any(|line| line
            .split_whitespace()
            .eq(["render", "a", "false", "1", "2", "0", "0", "0"].into_iter().chain(line.split_whitespace().last()))),
        "{stats}"
    );
    assert_eq!(evening.json("stats")["events"]["queued"], 1);
    assert_eq!(evening.run("engine deregister sim-1").status.code(), Some(9), "it is active");
    assert_eq!(evening.json("engine deregister sim-1 --yes")["released"], 2);
    assert_eq!(evening.count("--status queued"), 3);
    assert_eq!(evening.run("engine deregister nosuch --yes").status.code(), Some(3));
}

#[test]
fn an_event_is_changed_while_it_waits_and_redriven_with_changes() {
    let evening = Evening::begin();
    let id = evening.done("event enqueue a --capability gpu --memory-mb 9 --label team=x --label old=1 -q");
    let id = id.trim();
    let said = evening.done(&format!(
        "event set {id} --priority 0 --queue urgent --unset memory-mb --remove-label old --label team=y --delay-seconds 60"
    ));
    assert!(said.contains("queued in urgent, priority 0"), "{said}");
    let event = evening.json(&format!("event show {id}"));
    for (pointer, expected) in [
        ("/queue", "\"urgent\""),
        ("/priority", "0"),
        ("/required_memory_mb", "null"),
        ("/required_capabilities", "[\"gpu\"]"),
        ("/labels", "{\"team\":\"y\"}"),
    ] {
        assert_eq!(event.pointer(pointer).unwrap().to_string(), expected, "{pointer}");
    }
    let history = evening.done(&format!("event show {id}"));
    assert!(history.contains("change by anyone: available_at: ") && history.contains("priority: 5 -> 0"), "{history}");
    let expires = evening.json(&format!("event set {id} --expires-after-seconds 90"));
    assert!(expires["expires_at"].is_string(), "{expires}");
    assert!(evening.done(&format!("event show {id}")).contains("expires"));
    evening.done(&format!("event set {id} --unset expires-after-seconds"));
    let nothing = evening.run(&format!("event set {id}"));
    assert_eq!((nothing.status.code(), text(&nothing.stderr).contains("nothing is said to change")), (Some(2), true));
    let bad = evening.run(&format!("event set {id} --engine-version latest"));
    assert_eq!(bad.status.code(), Some(2), "{}", text(&bad.stderr));
    assert!(text(&bad.stderr).contains("engine_version"), "{}", text(&bad.stderr));
    evening.done(&format!("event cancel {id}"));
    assert_eq!(evening.run(&format!("event set {id} --priority 1")).status.code(), Some(4));
    let said = evening.done(&format!("event redrive {id} --to-queue default --unset capabilities --payload 7"));
    assert!(said.contains("queued again, in default"), "{said}");
    let event = evening.json(&format!("event show {id}"));
    assert_eq!((&event["payload"], event["required_capabilities"].to_string()), (&7.into(), "[]".to_owned()));
    let unnamed = evening.run("dead redrive --all --priority 1 --yes");
    assert_eq!(unnamed.status.code(), Some(2), "{}", text(&unnamed.stderr));
}

#[test]
fn the_end_of_an_event_is_waited_for_and_the_exit_status_says_how_it_ended() {
    let evening = Evening::begin();
    let id = evening.done("event enqueue a -q");
    let id = id.trim();
    let late = evening.run(&format!("event wait {id} --timeout-seconds 0.01"));
    assert_eq!(late.status.code(), Some(7), "{}", text(&late.stderr));
    assert!(text(&late.stderr).contains("has not ended in time") && late.stdout.is_empty());
    evening.done(&format!("event cancel {id}"));
    assert_eq!(evening.run(&format!("event wait {id}")).status.code(), Some(11));
    let json = evening.run(&format!("event wait {id} -o json"));
    assert!(text(&json.stdout).contains("\"status\": \"cancelled\""), "{}", text(&json.stdout));
    let expired = evening.run("event enqueue a --expires-after-seconds 1 --wait");
    assert_eq!(expired.status.code(), Some(11));
    assert!(text(&expired.stderr).contains("expired: the event was still queued"), "{}", text(&expired.stderr));
    assert_eq!(evening.run("event wait 0193f2a0-0000-7000-8000-000000000000").status.code(), Some(3));
    assert_eq!(evening.run("event enqueue a --wait=soon").status.code(), Some(2));
    let late = evening.run("event enqueue a --wait=0.01");
    assert_eq!(late.status.code(), Some(7), "{}", text(&late.stderr));
}

/// An engine that claims one event and settles it.
async fn work(client: Client, settle: &'static str) {
    let about = serde_json::json!({ "engine_type": "t", "heartbeat_interval_seconds": 0 });
    let epoch = client.register(&"e".parse().unwrap(), &serde_json::from_value(about).unwrap()).await.unwrap().epoch;
    let asked = serde_json::json!({ "epoch": epoch, "wait_seconds": 30, "limit": 1 });
    let claimed = client.claim(&"e".parse().unwrap(), &serde_json::from_value(asked).unwrap()).await.unwrap();
    let event = &claimed.events[0];
    let asked: Value = serde_json::from_str(settle).unwrap();
    let outcome = serde_json::from_value(asked["outcome"].clone()).unwrap();
    let token = event.lock.as_ref().unwrap().token.unwrap();
    let settlement = Settlement {
        result: serde_json::from_value(asked["result"].clone()).unwrap(),
        error: serde_json::from_value(asked["error"].clone()).unwrap(),
        retryable: asked["retryable"].as_bool(),
        dead_letter: asked["dead_letter"].as_bool(),
        ..Settlement::new(event.event_id, token, outcome)
    };
    client.settle(&SettleRequest { settlements: vec![settlement] }).await.unwrap();
}

#[test]
fn an_enqueue_that_waits_prints_the_result_or_says_that_the_event_has_failed() {
    let evening = Evening::begin();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (settle, status, printed, told) in [
        (r#"{"outcome":"complete","result":{ "n":7 }}"#, 0, "{\"n\":7}\n", "waiting for its end"),
        (r#"{"outcome":"complete"}"#, 0, "null\n", ""),
        (
            r#"{"outcome":"fail","retryable":false,"error":{"code":"oom","message":"no memory"}}"#,
            10,
            "",
            "oom: no memory",
        ),
    ] {
        let working = runtime.spawn(work(evening.server.client(), settle));
        let output = evening.run("event enqueue a --wait=60");
        runtime.block_on(working).unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(status), printed.to_owned()), "{settle}");
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}
