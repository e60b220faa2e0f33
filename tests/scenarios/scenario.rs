//! A scenario as it stands in its file: what happens, and what must come of it. `sdks/scenarios/README.md` explains each step.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it shows, in a sentence.
    #[expect(dead_code, reason = "for readers of the file")]
    pub(crate) about: String,
    /// More flags of `enginehouse serve`.
    #[serde(default)]
    pub(crate) server: Vec<String>,
    /// Whether the server has access tokens.
    #[serde(default)]
    pub(crate) tokens: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Makes a token of a role.
    Token { name: String, role: String },
    /// Revokes it.
    Revoke { name: String },
    /// Starts an agent; one that is an engine has registered once this is over.
    Engine {
        name: String,
        #[serde(default)]
        options: Value,
        token: Option<String>,
        #[serde(default)]
        unregistered: bool,
    },
    /// Enqueues an event, past the proxy. `text` is the event as JSON text, for numbers that YAML would round.
    Enqueue { name: String, event: Option<Value>, text: Option<String> },
    /// Enqueues many of the same.
    EnqueueMany { count: usize, event: Value },
    /// Waits until a line of the agent has all of this; each line counts once.
    Line { engine: String, has: Value },
    /// So far, and within the next second, no line of the agent has this.
    NoLine { engine: String, has: Value },
    /// Lets go what waits for the name.
    Go { engine: String, name: String },
    /// Has the agent make a call, and compares its answer or its problem.
    Call {
        engine: String,
        call: String,
        args: Option<Value>,
        text: Option<String>,
        answer: Option<Value>,
        answer_text: Option<String>,
        problem: Option<Value>,
    },
    /// Calls the server, past the proxy. `{name}` in the path is the id of the event of that name.
    Api { method: String, path: String, body: Option<Value> },
    /// Waits until the answer of a call has all of this.
    Until { path: String, has: Option<Value>, text: Option<String> },
    /// The answer of a call has this for so many seconds, whenever it is read.
    Stays { path: String, has: Value, seconds: f64 },
    /// Kills the server as a power cut would, stops it, starts it again, or lets another one take over on the same store.
    Server(ServerStep),
    /// What the proxy does to the next calls whose path ends like this.
    Fault(Fault),
    /// Waits until every fault has happened.
    Faulted(()),
    /// Sends a signal to the agent.
    Signal { engine: String, signal: String },
    /// Waits until the agent has ended, with this status and this last line.
    End {
        engine: String,
        status: i32,
        #[serde(default)]
        has: Value,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerStep {
    Kill,
    Stop,
    Start,
    FailOver,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// The end of the path, without its query.
    pub(crate) path: String,
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// Whether the server gets the call all the same.
    #[serde(default)]
    pub(crate) arrives: bool,
    /// What is answered; no answer comes without it, and the connection is closed.
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) applied: Option<Value>,
    pub(crate) retry_after_seconds: Option<u64>,
}

const fn once() -> usize {
    1
}

/// All scenarios, by the names of their files.
pub(crate) fn all() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdks/scenarios");
    let entries = std::fs::read_dir(&folder).expect("the scenarios are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "no scenario is in {}", folder.display());
    paths.iter().map(|path| (name_of(path), read(path))).collect()
}

fn name_of(path: &Path) -> String {
    path.file_stem().and_then(|name| name.to_str()).expect("a name in letters").to_owned()
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("it can be read");
    // By way of JSON, whose enums are written as maps of one key.
    let value: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
