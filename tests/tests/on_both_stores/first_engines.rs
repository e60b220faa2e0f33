//! The engines at the head of docs/http-api.md, which a reader copies: they idle, survive a crash of the server, and work.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use enginehouse_api::engines::EnginesQuery;
use enginehouse_api::events::EventsQuery;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, run, until};
use tokio::time::{Instant, interval};

/// Longer than an engine may be silent by default.
const IDLE: Duration = Duration::from_secs(60);

/// A program that is killed with its test.
struct FirstEngine(Child);

impl Drop for FirstEngine {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl FirstEngine {
    /// Starts the program of the document that is in this language, against a server at this address.
    fn start(language: &str, interpreter: &[&str], address: &str) -> Self {
        let document = include_str!("../../../docs/http-api.md");
        let program = document.split_once(&format!("\n```{language}\n")).expect("the document has one").1;
        let program = program.split_once("```").expect("it ends").0.replace("127.0.0.1:7420", address);
        let mut command = Command::new(interpreter[0]);
        let child = command.args(&interpreter[1..]).arg(program).stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{}: {error}", interpreter[0])))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("it is our child").is_some()
    }
}

/// How many engines are active in their first epoch.
async fn active(server: &TestServer) -> usize {
    let engines = server.client().engines(&EnginesQuery::default()).await.expect("the server answers").items;
    engines.iter().filter(|engine| engine.status == EngineStatus::Active && engine.epoch == 1).count()
}

#[tokio::test]
async fn the_engines_of_the_document_outlive_a_minute_without_work_and_a_crash_of_the_server() {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut engines = [
        FirstEngine::start("python", &["python3", "-c"], &address),
        FirstEngine::start("javascript", &["node", "--input-type=module", "-e"], &address),
    ];
    until("both engines are registered", async || (active(&server).await == 2).then_some(())).await;
    let (began, mut again) = (Instant::now(), interval(Duration::from_secs(1)));
    while began.elapsed() < IDLE {
        again.tick().await;
        assert!(!engines.iter_mut().any(FirstEngine::has_ended), "an engine has ended");
        assert_eq!(active(&server).await, 2, "after {:?}", began.elapsed());
    }
    server.kill();
    let server = store.serve(&["--listen", &address]);
    let lines = "{\"text\":\"one two\"}\n".repeat(20);
    let flags = ["event", "enqueue", "--file", "-", "--event-type", "count"];
    assert!(run(&server.url, flags, &lines).status.success());
    let flags = ["event", "enqueue", "--file", "-", "--event-type", "broken"];
    assert!(run(&server.url, flags, "{}\n").status.success());
    let events = until("all events are tried", async || {
        let events = server.client().events(&EventsQuery::default()).await.expect("the server answers").items;
        let are_tried = events.iter().all(|event| event.status == EventStatus::Completed || event.last_error.is_some());
        (events.len() == 21 && are_tried).then_some(events)
    })
    .await;
    let completed = events.iter().filter_map(|event| event.result.as_ref());
    assert_eq!(completed.filter(|result| result.as_str().replace(' ', "") == "{\"words\":2}").count(), 20);
    assert!(events.iter().all(|event| event.losses == 0));
    assert!(!engines.iter_mut().any(FirstEngine::has_ended), "an engine has ended");
    assert_eq!(active(&server).await, 2);
}
