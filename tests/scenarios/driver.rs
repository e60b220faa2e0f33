//! Plays a scenario: one server on a store of its own, a proxy before it, and agents of one SDK.

use std::collections::HashMap;
use std::time::Duration;

use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, command, text, until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::agent::{Agent, Sdk};
use crate::expectation::has;
use crate::proxy::FaultProxy;
use crate::scenario::{Scenario, ServerStep, Step};

pub(crate) struct Driver {
    sdk: Sdk,
    flags: Vec<String>,
    server: Option<TestServer>,
    proxy: FaultProxy,
    http: reqwest::Client,
    agents: HashMap<String, Agent>,
    /// The ids of events by their names.
    events: HashMap<String, String>,
    /// Tokens by their names, each with its accessor.
    tokens: HashMap<String, (String, String)>,
    /// What the driver itself calls with.
    admin: Option<String>,
    /// Goes after the servers.
    store: TestStore,
}

impl Driver {
    pub(crate) async fn new(sdk: Sdk, kind: StoreKind, scenario: &Scenario) -> Self {
        let store = TestStore::on(kind);
        let admin = scenario.tokens.then(|| admin_token(&store));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without TLS");
        let mut driver = Self {
            sdk,
            flags: scenario.server.clone(),
            server: None,
            proxy: FaultProxy::start().await,
            http,
            agents: HashMap::new(),
            events: HashMap::new(),
            tokens: HashMap::new(),
            admin,
            store,
        };
        driver.start_server();
        driver
    }

    fn start_server(&mut self) {
        let flags: Vec<&str> = ["--log", "error"].into_iter().chain(self.flags.iter().map(String::as_str)).collect();
        let server = self.store.serve(&flags);
        self.proxy.pass_on_to(Some(server.url.clone()));
        self.server = Some(server);
    }

    fn take_server(&mut self) -> TestServer {
        self.proxy.pass_on_to(None);
        self.server.take().expect("a server runs")
    }

    fn agent(&mut self, name: &str) -> &mut Agent {
        self.agents.get_mut(name).unwrap_or_else(|| panic!("no engine is named {name}"))
    }

    /// The path with the ids of events in the place of their names.
    fn path(&self, path: &str) -> String {
        self.events.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    async fn api(&self, method: &str, path: &str, body: Option<String>) -> Option<String> {
        let server = self.server.as_ref().expect("a server runs");
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{}", server.url, self.path(path)));
        if let Some(token) = &self.admin {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.ok()?;
        let is_success = answer.status().is_success();
        let text = answer.text().await.ok()?;
        is_success.then_some(text)
    }

    async fn changes(&self, method: &str, path: &str, body: Option<String>) -> Value {
        let answer = self.api(method, path, body).await;
        let answer = answer.unwrap_or_else(|| panic!("{method} {path} was refused"));
        serde_json::from_str(&answer).unwrap_or_default()
    }

    pub(crate) async fn play(&mut self, step: &Step) {
        match step {
            Step::Token { name, role } => {
                let body = json!({ "name": name, "role": role }).to_string();
                let made = self.changes("POST", "/v1/tokens", Some(body)).await;
                let of = |field: &Value| field.as_str().expect("it is made").to_owned();
                self.tokens.insert(name.clone(), (of(&made["token"]), of(&made["kept"]["accessor"])));
            }
            Step::Revoke { name } => {
                let path = format!("/v1/tokens/{}", self.tokens[name].1);
                assert!(self.api("DELETE", &path, None).await.is_some(), "{path} is revoked");
            }
            Step::Engine { name, options, token, unregistered } => {
                self.start_agent(name, options, token.as_deref(), *unregistered).await;
            }
            Step::Enqueue { name, event, text } => {
                let body =
                    text.clone().or_else(|| event.as_ref().map(Value::to_string)).expect("an event, or its text");
                let made = self.changes("POST", "/v1/events", Some(body)).await;
                self.events.insert(name.clone(), made["event_id"].as_str().expect("an id").to_owned());
            }
            Step::EnqueueMany { count, event } => {
                for begin in (0..*count).step_by(1_000) {
                    let events = vec![event; (count - begin).min(1_000)];
                    self.changes("POST", "/v1/events/batch", Some(json!({ "events": events }).to_string())).await;
                }
            }
            Step::Line { engine, has } => {
                let expected = self.named(has);
                self.agent(engine).line(&expected).await;
            }
            Step::NoLine { engine, has: expected } => {
                let expected = self.named(expected);
                let began = Instant::now();
                let agent = &*self.agent(engine);
                until("a second is over", async || (began.elapsed() > Duration::from_secs(1)).then_some(())).await;
                let lines = agent.all();
                assert!(!lines.iter().any(|line| has(line, &expected)), "{lines:?} have {expected}");
            }
            Step::Go { engine, name } => self.agent(engine).go(name),
            Step::Call { engine, call, args, text, answer, answer_text, problem } => {
                let arguments = text.clone().or_else(|| args.as_ref().map(Value::to_string));
                let arguments = self.path(&arguments.unwrap_or_else(|| "{}".to_owned()));
                let came = self.agent(engine).call(call, &arguments).await;
                for (field, expected) in [("answer", answer), ("problem", problem)] {
                    let Some(expected) = expected else { continue };
                    let expected = self.named(expected);
                    assert!(has(&came[field], &expected), "{call}: {came}\nhas no {field} with {expected}");
                }
                if let Some(part) = answer_text {
                    let line = came["line"].as_str().unwrap_or_default().replace(' ', "");
                    assert!(line.contains(part), "{call}: {line}\nhas no {part}");
                }
            }
            Step::Api { method, path, body } => {
                self.changes(method, path, body.as_ref().map(Value::to_string)).await;
            }
            Step::Until { path, has: expected, text } => self.until(path, expected.as_ref(), text.as_deref()).await,
            Step::Stays { path, has: expected, seconds } => {
                let expected = self.named(expected);
                let began = Instant::now();
                until("it stays as it is", async || {
                    let answer: Value = serde_json::from_str(&self.api("GET", path, None).await?).ok()?;
                    assert!(has(&answer, &expected), "after {:?}: {answer}", began.elapsed());
                    (began.elapsed().as_secs_f64() > *seconds).then_some(())
                })
                .await;
            }
            Step::Server(step) => self.server_step(*step),
            Step::Fault(fault) => self.proxy.add(fault.clone()),
            Step::Faulted(()) => {
                until("every fault has happened", async || (!self.proxy.has_faults()).then_some(())).await;
            }
            Step::Signal { engine, signal } => self.agent(engine).signal(signal),
            Step::End { engine, status, has: expected } => {
                let agent = self.agent(engine);
                let ended = agent.ended().await;
                let lines = agent.all();
                assert_eq!(ended.code().unwrap_or(-1), *status, "{ended}; its lines were {lines:?}");
                if !expected.is_null() {
                    agent.line(expected).await;
                }
            }
        }
    }

    async fn start_agent(&mut self, name: &str, options: &Value, token: Option<&str>, unregistered: bool) {
        let mut options = if options.is_null() { json!({}) } else { options.clone() };
        let is_engine = options["engine"] != json!(false);
        let fields = options.as_object_mut().expect("options are an object");
        fields.entry("engine_id").or_insert_with(|| name.into());
        let engine_id = fields["engine_id"].as_str().expect("a name").to_owned();
        let path = format!("/v1/engines/{engine_id}");
        let before = self.epoch(&path).await;
        let token = token.map(|name| self.tokens[name].0.clone());
        let agent = Agent::start(self.sdk, &self.proxy.url, token.as_deref(), &options);
        self.agents.insert(name.to_owned(), agent);
        if is_engine && !unregistered {
            let registered = async || (self.epoch(&path).await > before).then_some(());
            until(&format!("{name} has registered as {engine_id}"), registered).await;
        }
    }

    /// How often an engine has registered.
    async fn epoch(&self, path: &str) -> u64 {
        let read = async || {
            let answer = self.api("GET", path, None).await?;
            serde_json::from_str::<Value>(&answer).ok()?["epoch"].as_u64()
        };
        read().await.unwrap_or_default()
    }

    /// What is expected, with the ids of events in the place of their names.
    fn named(&self, expected: &Value) -> Value {
        serde_json::from_str(&self.path(&expected.to_string())).expect("ids are plain words")
    }

    async fn until(&self, path: &str, expected: Option<&Value>, part: Option<&str>) {
        let expected = expected.map(|expected| self.named(expected));
        let mut last = String::new();
        let asking = async {
            let mut again = tokio::time::interval(Duration::from_millis(20));
            loop {
                again.tick().await;
                let Some(answer) = self.api("GET", path, None).await else { continue };
                let value: Value = serde_json::from_str(&answer).unwrap_or_default();
                if expected.as_ref().is_none_or(|expected| has(&value, expected))
                    && part.is_none_or(|part| answer.contains(part))
                {
                    return;
                }
                last = answer;
            }
        };
        if tokio::time::timeout(enginehouse_tests::LIMIT, asking).await.is_err() {
            panic!("{path} has not in time {expected:?} {part:?}: {last}");
        }
    }

    fn server_step(&mut self, step: ServerStep) {
        match step {
            ServerStep::Kill => self.take_server().kill(),
            ServerStep::Stop => assert_eq!(self.take_server().stop(), Some(0)),
            ServerStep::Start => self.start_server(),
            ServerStep::FailOver => match &self.store {
                // Both serve the same database; the one that dies is the one that agents speak to.
                TestStore::Database(_) => {
                    let before = self.take_server();
                    self.start_server();
                    before.kill();
                }
                // A file has one server: the next one takes over once it is gone.
                TestStore::Folder(_) => {
                    self.take_server().kill();
                    self.start_server();
                }
            },
        }
    }
}

/// Who holds the store may make a token.
fn admin_token(store: &TestStore) -> String {
    let arguments = ["token", "create", "driver", "--role", "admin", "-q", "--store", &store.url()];
    // The shared database does not wait for its disk.
    let made = command(arguments).env("ENGINEHOUSE_DURABILITY", "relaxed").output().expect("the binary starts");
    assert!(made.status.success(), "{}", text(&made.stderr));
    text(&made.stdout).trim().to_owned()
}
