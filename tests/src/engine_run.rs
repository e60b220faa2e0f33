//! `engine run` under test: a server, and scripts that are engines of it.

use std::process::{Child, Command, Stdio};

use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_core::event::EventStatus;

use crate::test_store::{StoreKind, TestStore};
use crate::{TestServer, command, run, terminate, text, until};

/// A server, and engines that run shell scripts for it.
pub struct EngineRunFixture {
    pub server: TestServer,
    _store: TestStore,
}

impl EngineRunFixture {
    /// Starts the server.
    ///
    /// # Panics
    /// It does not start.
    pub fn on(kind: StoreKind) -> Self {
        let store = TestStore::on(kind);
        Self { server: store.serve(&["--log", "error"]), _store: store }
    }

    /// Starts an engine that hands its events to a shell script.
    ///
    /// # Panics
    /// It does not start.
    pub fn engine(&self, engine_id: &str, flags: &[&str], script: &str) -> EngineUnderTest {
        let mut run = command(["engine", "run", "--engine-id", engine_id]);
        run.env("ENGINEHOUSE_URL", &self.server.url).args(flags).args(["--", "sh", "-c", script]).stderr(Stdio::null());
        self.started(run)
    }

    /// Starts an engine by a command that is prepared.
    ///
    /// # Panics
    /// It does not start.
    pub fn started(&self, run: Command) -> EngineUnderTest {
        EngineUnderTest::spawned(run)
    }

    /// Enqueues one event for each line.
    ///
    /// # Panics
    /// The server refuses it.
    pub fn enqueue(&self, lines: &str, flags: &[&str]) {
        let arguments = ["event", "enqueue", "--file", "-"].iter().chain(flags);
        let output = run(&self.server.url, arguments, lines);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// All events, the newest first.
    ///
    /// # Panics
    /// The server does not answer.
    pub async fn events(&self) -> Vec<Event> {
        let query = EventsQuery { page: PageQuery { limit: Some(1_000), cursor: None }, ..EventsQuery::default() };
        self.server.client().events(&query).await.expect("the server answers").items
    }

    /// Waits until every event has the status, and answers them.
    pub async fn until_all(&self, status: EventStatus) -> Vec<Event> {
        until(&format!("every event is {status}"), async || {
            let events = self.events().await;
            events.iter().all(|event| event.status == status).then_some(events)
        })
        .await
    }
}

/// An engine. Killed when dropped, so that a test that fails leaves none behind.
pub struct EngineUnderTest(Child);

impl EngineUnderTest {
    /// Starts one by a command that is prepared.
    ///
    /// # Panics
    /// It does not start.
    pub fn spawned(mut run: Command) -> Self {
        Self(run.spawn().expect("the binary starts"))
    }
}

impl std::ops::Deref for EngineUnderTest {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for EngineUnderTest {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for EngineUnderTest {
    fn drop(&mut self) {
        // Most tests have ended it already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Asks an engine to stop, and waits until it has. Answers its exit status.
///
/// # Panics
/// It has ended already.
pub fn stop(mut engine: EngineUnderTest) -> Option<i32> {
    terminate(&engine);
    engine.wait().expect("it has ended").code()
}
