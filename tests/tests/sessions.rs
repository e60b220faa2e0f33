//! Engines on a server with access tokens: what their processes and commands prove themselves with, over crashes too.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_client::{BearerToken, Client, ClientConfig};
use enginehouse_core::event::EventStatus;
use enginehouse_tests::engine_run::{EngineUnderTest, stop};
use enginehouse_tests::{TestServer, command, text, until};

/// Makes a token in the store itself. Answers its text.
fn made(store: &str, name: &str, role: &str) -> String {
    let mut create = command(["token", "create", name, "--role", role, "--store", store, "-q"]);
    let output = create.env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

struct GuardedServer {
    server: TestServer,
    fleet: String,
    admin: Client,
    root: String,
    log: std::thread::JoinHandle<String>,
}

impl GuardedServer {
    /// A server with a token for an admin and one for engines, which logs all that it may.
    fn start(folder: &Path) -> Self {
        let store = format!("sqlite://{}", folder.join("house.db").display());
        let (root, fleet) = (made(&store, "root", "admin"), made(&store, "fleet", "engine"));
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut serve = command(["serve"]);
        serve.env("ENGINEHOUSE_LOG", "trace").env("ENGINEHOUSE_LOG_REQUESTS", "true").stderr(writer);
        let server = TestServer::with(serve, &store, &[]);
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            reader.read_to_string(&mut log).unwrap();
            log
        });
        let config = ClientConfig { token: Some(BearerToken::new(&root).unwrap()), ..ClientConfig::default() };
        let admin = Client::with_config(&server.url, config).unwrap();
        Self { server, fleet, admin, root, log }
    }

    fn enqueue(&self, event_type: &str) {
        let mut enqueue = command(["event", "enqueue", event_type, "--url", &self.server.url]);
        let output = enqueue.env("ENGINEHOUSE_TOKEN", &self.root).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Starts an engine with the token of the fleet.
    fn engine(&self, flags: &[&str], script: &str) -> EngineUnderTest {
        let mut run = command(["engine", "run", "--engine-id", "e", "--heartbeat-interval-seconds", "1"]);
        run.args(flags).args(["--", "sh", "-c", script]);
        run.env("ENGINEHOUSE_URL", &self.server.url).env("ENGINEHOUSE_TOKEN", &self.fleet).stderr(Stdio::null());
        EngineUnderTest::spawned(run)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Event) -> bool) -> Event {
        until(what, async || {
            let event = self.admin.events(&EventsQuery::default()).await.unwrap().items.remove(0);
            holds(&event).then_some(event)
        })
        .await
    }

    /// Stops the server. Nothing that it has logged proves anything.
    fn end(self) {
        assert_eq!(self.server.stop(), Some(0));
        let log = self.log.join().unwrap();
        assert!(log.contains("enginehouse::requests"), "{log}");
        for secret in ["ehs1_", "ehe1_", &self.fleet[17..60]] {
            assert!(!log.contains(secret), "{secret}");
        }
    }
}

async fn written(file: &Path) -> String {
    until("a command has written a file", async || {
        std::fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'))
    })
    .await
}

#[tokio::test]
async fn an_engine_that_was_killed_comes_back_under_its_id_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let house = GuardedServer::start(folder.path());
    house.enqueue("work");
    let script = format!(
        r#"cd '{}'; env > "environment-$ENGINEHOUSE_ATTEMPT"; echo >> "environment-$ENGINEHOUSE_ATTEMPT"
        if [ "$ENGINEHOUSE_ATTEMPT" = 1 ]; then exec sleep 1000; fi; echo '"done"'"#,
        folder.path().display()
    );
    let work = ["--event-type", "work"];
    let mut engine = house.engine(&work, &script);
    let environment = written(&folder.path().join("environment-1")).await;
    assert!(environment.contains("ENGINEHOUSE_EVENT_TOKEN=ehe1_") && environment.contains("ENGINEHOUSE_LOCK_TOKEN=1-"));
    assert!(!environment.contains("ENGINEHOUSE_TOKEN=") && !environment.contains("ehs1_"), "{environment}");
    engine.kill().unwrap();
    engine.wait().unwrap();
    // The new process has no session, and waits until the old one is lost.
    let engine = house.engine(&work, &script);
    let event = house.until("the event is completed", |event| event.status == EventStatus::Completed).await;
    assert_eq!((event.attempt, event.losses), (2, 1), "an engine that was killed is a loss");
    assert_eq!(stop(engine), Some(0));
    house.end();
}

#[tokio::test]
async fn an_engine_is_replaced_by_one_that_takes_its_id_over() {
    let folder = tempfile::tempdir().unwrap();
    let house = GuardedServer::start(folder.path());
    house.enqueue("work");
    let work = ["--event-type", "work"];
    let mut first = house.engine(&work, "exec sleep 1000");
    house.until("the event is claimed", |event| event.status == EventStatus::Processing).await;
    let second = house.engine(&[&work[..], &["--takeover"]].concat(), "echo 2");
    let event = house.until("the event is completed", |event| event.status == EventStatus::Completed).await;
    assert_eq!((event.attempt, event.losses), (2, 0), "a takeover is no loss");
    assert_eq!(first.wait().unwrap().code(), Some(4), "the first one has been told");
    assert_eq!(stop(second), Some(0));
    house.end();
}

#[tokio::test]
async fn a_command_settles_its_own_event_with_its_token_and_may_do_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let house = GuardedServer::start(folder.path());
    house.enqueue("work");
    let script = format!(
        r#"cd '{}'
        call() {{ curl -s -o answer -w '%{{http_code}}\n' -H "Authorization: Bearer $ENGINEHOUSE_EVENT_TOKEN" -H 'content-type: application/json' "$@" >> statuses; }}
        events="$ENGINEHOUSE_URL/v1/events"; event="$events/$ENGINEHOUSE_EVENT_ID"
        call -d "{{\"lock_token\":\"$ENGINEHOUSE_LOCK_TOKEN\",\"visibility_timeout_seconds\":60}}" "$event/extend"
        call "$event"
        call -d '{{"event_type":"more"}}' "$events"
        call -d '{{"epoch":1}}' "$ENGINEHOUSE_URL/v1/engines/e/claim"
        call -d "{{\"lock_token\":\"$ENGINEHOUSE_LOCK_TOKEN\",\"result\":\"by the command\"}}" "$event/complete"
        mv statuses all"#,
        folder.path().display()
    );
    let engine = house.engine(&["--event-type", "work"], &script);
    assert_eq!(written(&folder.path().join("all")).await, "200\n403\n403\n403\n200\n");
    let event = house.until("the event is completed", |event| event.status == EventStatus::Completed).await;
    assert_eq!(event.result.unwrap().as_str(), "\"by the command\"");
    assert_eq!(stop(engine), Some(0));
    house.end();
}
