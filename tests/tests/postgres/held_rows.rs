//! Somebody else holds a row, a key, a new lane or a whole table: those who need it are told so, and nobody else notices.
//!
//! Each is held for a few seconds, or for as many as `ENGINEHOUSE_TEST_KILLS` says. The printed figures are what counts; the
//! limits that are asserted are several times as long, for machines that run all suites at once.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enginehouse_api::event_types::Settings;
use enginehouse_api::events::Event;
use enginehouse_api::problem::Code;

use enginehouse_client::{Client, Error};
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, kills, until};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_postgres::NoTls;

use crate::calls::{claim, complete, enqueue, enqueue_as, heartbeat, once_back, register};

/// What 99 of 100 calls of bystanders may take. The aim is 250 ms on a machine with nothing else to do.
const BYSTANDER_LIMIT: Duration = Duration::from_millis(1_000);
/// What one call of a bystander may take at most, a stall of a crowded machine included.
const ANY_LIMIT: Duration = Duration::from_secs(4);

async fn connect(store: &TestStore) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&store.url(), NoTls).await.unwrap();
    tokio::spawn(async { connection.await.ok() });
    client
}

/// A server, two engines that hold an event each, and a stranger with a transaction of its own.
struct Scene {
    store: TestStore,
    server: TestServer,
    stranger: tokio_postgres::Client,
    /// The event of the engine `victim`.
    victims: Event,
    /// The event of the engine `bystander`.
    bystanders: Event,
}

/// What bystanders do all the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Heartbeat,
    Enqueue,
    /// Enqueue, claim and complete.
    Work,
}

const ALL: &[Call] = &[Call::Heartbeat, Call::Enqueue, Call::Work];

/// A heartbeat with one held event, which must renew its lock. Answers whether it was carried out, or refused.
async fn renews(client: &Client, engine: &str, held: &Event) -> Result<(), Error> {
    let heard = heartbeat(client, engine, &[held]).await?;
    assert_eq!((heard.renewed.len(), heard.lost.len()), (1, 0), "{engine} has kept its lock");
    Ok(())
}

impl Scene {
    async fn new() -> Self {
        let store = TestStore::on(StoreKind::Postgres);
        let server = store.serve(&["--log", "off"]);
        let client = server.client();
        let mut held = Vec::new();
        for engine in ["victim", "bystander"] {
            register(&client, engine, 1).await;
            enqueue(&client).await.unwrap();
            held.push(claim(&client, engine).await.unwrap().remove(0));
        }
        register(&client, "worker", 0).await;
        enqueue_as(&client, r#"{"event_type":"other"}"#).await.unwrap();
        let stranger = connect(&store).await;
        let (bystanders, victims) = (held.pop().unwrap(), held.pop().unwrap());
        Self { store, server, stranger, victims, bystanders }
    }

    /// Lets bystanders call, and others who need what is held, while the stranger holds it. Every call of those must be
    /// answered; with a refusal that says that nothing was done, if it cannot be carried out.
    async fn while_held<F: Future<Output = Result<(), Error>> + Send>(
        &self,
        hold: &str,
        seconds: usize,
        calls: &[Call],
        touch: impl Fn(Client) -> F + Send + Sync + 'static,
    ) -> Figures {
        self.stranger.batch_execute(&format!("begin; {hold}")).await.unwrap();
        let (over, touch) = (Arc::new(AtomicBool::new(false)), Arc::new(touch));
        // Set only when the last of those who need it has its answer, so that bystanders are never silent for that long.
        let answered = Arc::new(AtomicBool::new(false));
        let mut touching = Vec::new();
        for _ in 0..4 {
            let (client, over, touch) = (self.server.client(), Arc::clone(&over), Arc::clone(&touch));
            touching.push(tokio::spawn(async move {
                let (mut refused, mut longest) = (0, Duration::ZERO);
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    match timeout(Duration::from_secs(20), touch(client.clone())).await.expect("an answer") {
                        Ok(()) => {}
                        Err(error) => {
                            assert_eq!(error.code(), Some(Code::StoreUnavailable), "{error}");
                            assert!(!error.maybe_applied() && error.retry_after().is_some(), "{error}");
                            refused += 1;
                        }
                    }
                    longest = longest.max(began.elapsed());
                    tokio::task::yield_now().await;
                }
                (refused, longest)
            }));
        }
        // It heartbeats all the time, also where it cannot be heard: whoever is refused is not lost for it.
        let refused_heartbeats = (!calls.contains(&Call::Heartbeat)).then(|| {
            let (client, answered, held) = (self.server.client(), Arc::clone(&answered), self.bystanders.clone());
            tokio::spawn(async move {
                while !answered.load(Ordering::Relaxed) {
                    if let Err(error) = renews(&client, "bystander", &held).await {
                        assert_eq!(error.code(), Some(Code::StoreUnavailable), "{error}");
                    }
                    tokio::task::yield_now().await;
                }
            })
        });
        let mut bystanders = Vec::new();
        for call in calls {
            let (client, answered, held) = (self.server.client(), Arc::clone(&answered), self.bystanders.clone());
            let call = *call;
            bystanders.push(tokio::spawn(async move {
                let mut took = Vec::new();
                let mut every = tokio::time::interval(Duration::from_millis(10));
                every.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !answered.load(Ordering::Relaxed) {
                    every.tick().await;
                    let began = Instant::now();
                    match call {
                        Call::Heartbeat => {
                            renews(&client, "bystander", &held).await.expect("a heartbeat");
                        }
                        Call::Enqueue => {
                            enqueue_as(&client, r#"{"event_type":"never-claimed","delay_seconds":900}"#)
                                .await
                                .expect("an enqueue");
                        }
                        Call::Work => {
                            enqueue_as(&client, r#"{"event_type":"other"}"#).await.expect("an enqueue");
                            for event in claim(&client, "worker").await.expect("a claim") {
                                complete(&client, &event).await.expect("a settle");
                            }
                        }
                    }
                    took.push(began.elapsed());
                }
                (call, took)
            }));
        }
        let began = Instant::now();
        until("the time is over", async || (began.elapsed() >= Duration::from_secs(seconds as u64)).then_some(()))
            .await;
        over.store(true, Ordering::Relaxed);
        let mut figures = Figures::default();
        for task in touching {
            let (refused, longest) = task.await.unwrap();
            figures.refused += refused;
            figures.longest_touch = figures.longest_touch.max(longest);
        }
        answered.store(true, Ordering::Relaxed);
        for task in bystanders {
            let (call, took) = task.await.unwrap();
            figures.bystanders.push((call, took));
        }
        if let Some(task) = refused_heartbeats {
            task.await.unwrap();
        }
        self.stranger.batch_execute("rollback").await.unwrap();
        figures
    }

    /// Once it is let go, everybody goes on as before, and no engine was lost: it would have lost its lock with it.
    async fn check(&self, engines: &[&str]) {
        let client = self.server.client();
        let all = [("victim", &self.victims), ("bystander", &self.bystanders)];
        for (engine, held) in all.into_iter().filter(|(engine, _)| engines.contains(engine)) {
            once_back("the engine is heard again", async || renews(&client, engine, held).await).await;
        }
        self.store.examine();
    }
}

#[derive(Default)]
struct Figures {
    bystanders: Vec<(Call, Vec<Duration>)>,
    /// How many calls that needed what was held were refused.
    refused: usize,
    longest_touch: Duration,
}

impl Figures {
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "shows what was measured")]
    fn check(mut self, what: &str) {
        let mut line = format!("{what} held: {} refused, none waited over {:?};", self.refused, self.longest_touch);
        for (call, took) in &mut self.bystanders {
            took.sort();
            let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
            write!(line, " {call:?} {} p50 {:.1?} p99 {:.1?} max {:.1?};", took.len(), at(50), at(99), at(100))
                .unwrap();
        }
        println!("{line}");
        for (call, took) in &self.bystanders {
            // It is held until all of them have ended: a call that waits for it fails.
            assert!(!took.is_empty(), "{what}: {call:?} came to a standstill: {line}");
            let p99 = took[(took.len() * 99 / 100).min(took.len() - 1)];
            assert!(p99 < BYSTANDER_LIMIT || took.len() < 100, "{what}: {call:?} waited: {line}");
            assert!(took[took.len() - 1] < ANY_LIMIT, "{what}: {call:?} waited: {line}");
        }
        assert!(self.longest_touch < Duration::from_secs(8), "{what}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_engine_is_refused_alone_and_not_lost() {
    let scene = Scene::new().await;
    let held = scene.victims.clone();
    let figures = scene
        .while_held(
            "select from enginehouse.engines where engine_id = 'victim' for update",
            kills(5),
            ALL,
            move |client| {
                let held = held.clone();
                async move { heartbeat(&client, "victim", &[&held]).await.map(drop) }
            },
        )
        .await;
    assert!(figures.refused > 0);
    figures.check("an engine's row");
    scene.check(&["victim", "bystander"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_event_is_refused_alone_and_its_engine_is_heard() {
    let scene = Scene::new().await;
    let hold = format!("select from enginehouse.events where event_id = '{}' for update", scene.victims.event_id);
    let held = scene.victims.clone();
    let figures = scene
        .while_held(&hold, kills(5), ALL, move |client| {
            let held = held.clone();
            async move {
                let heard = heartbeat(&client, "victim", &[&held]).await?;
                assert!(heard.lost.is_empty(), "a lock that cannot be renewed now is not lost");
                complete(&client, &held).await.map(drop)
            }
        })
        .await;
    assert!(figures.refused > 0);
    figures.check("an event's row");
    scene.check(&["victim", "bystander"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_idempotency_key_is_refused_alone() {
    let scene = Scene::new().await;
    let hold = "select enginehouse.enqueue('work', '{}'::json, idempotency_key => 'taken')";
    let figures = scene
        .while_held(hold, kills(5), ALL, |client| async move {
            enqueue_as(&client, r#"{"event_type":"work","idempotency_key":"taken"}"#).await.map(drop)
        })
        .await;
    assert!(figures.refused > 0);
    figures.check("an idempotency key");
    scene.check(&["bystander"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_somebody_is_about_to_make_is_refused_alone() {
    let scene = Scene::new().await;
    let figures = scene
        .while_held("select enginehouse.enqueue('new', '{}'::json)", kills(5), ALL, |client| async move {
            enqueue_as(&client, r#"{"event_type":"new"}"#).await.map(drop)
        })
        .await;
    assert!(figures.refused > 0);
    figures.check("a new lane");
    scene.check(&["bystander"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_somebody_is_about_to_add_is_refused_alone() {
    let scene = Scene::new().await;
    let hold = "insert into enginehouse.engines select (jsonb_populate_record(e, '{\"engine_id\":\"new\"}')).* \
                from enginehouse.engines as e where engine_id = 'worker'";
    let figures = scene
        .while_held(hold, kills(3), ALL, |client| async move {
            let request = serde_json::json!({ "engine_type": "test", "metadata": {} });
            let request = serde_json::from_value(request).unwrap();
            match client.register(&"new".parse().unwrap(), &request).await {
                // An engine may not register more often.
                Err(error) if error.code() == Some(Code::Overloaded) => Ok(()),
                registered => registered.map(drop),
            }
        })
        .await;
    assert!(figures.refused > 0);
    figures.check("a new engine");
    scene.check(&["bystander"]).await;
}

/// Each of our tables, and what goes on nevertheless.
const TABLES: &[(&str, &[Call])] = &[
    ("schema_version", ALL),
    ("meta", &[Call::Heartbeat]),
    ("lanes", &[Call::Heartbeat]),
    ("engines", &[Call::Enqueue]),
    ("events", &[]),
    ("event_payloads", &[Call::Heartbeat]),
    ("attempts", ALL),
    ("dead_letters", ALL),
    ("event_types", ALL),
    ("queues", ALL),
    ("audit_log", ALL),
    ("lane_counts", ALL),
    ("scenario_runs", ALL),
    ("lane_changes", &[Call::Heartbeat]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_needs_a_held_table_is_refused_and_nobody_else() {
    let scene = Scene::new().await;
    for (table, calls) in TABLES {
        let hold = format!("lock table enginehouse.{table} in access exclusive mode");
        let held = scene.victims.clone();
        let figures = scene
            .while_held(&hold, kills(1), calls, move |client| {
                let held = held.clone();
                async move {
                    heartbeat(&client, "victim", &[&held]).await?;
                    client.resume_engine(&"worker".parse().unwrap()).await?;
                    enqueue_as(&client, r#"{"event_type":"work","queue":"other"}"#).await.map(drop)
                }
            })
            .await;
        figures.check(&format!("the table {table}"));
        let client = scene.server.client();
        once_back("it goes on", async || enqueue(&client).await).await;
    }
    scene.check(&["bystander"]).await;
}

/// Those who change settings meet the lock while they read, or while they write. Others need the settings as they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_settings_refuse_those_who_change_them_and_nobody_else() {
    for table in ["event_types", "queues"] {
        // A new server: most of its transactions have not read any settings yet.
        let scene = Scene::new().await;
        let hold = format!("lock table enginehouse.{table} in access exclusive mode");
        let figures = scene
            .while_held(&hold, kills(1), ALL, move |client| async move {
                let settings = Settings::default();
                match table {
                    "queues" => client.set_queue(&"other".parse().unwrap(), &settings).await.map(drop),
                    _ => client.set_event_type(&"other".parse().unwrap(), &settings).await.map(drop),
                }
            })
            .await;
        assert!(figures.refused > 0, "nobody met it");
        figures.check(&format!("the table {table}, whose rows are changed"));
        scene.check(&["bystander"]).await;
    }
}
