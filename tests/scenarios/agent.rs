//! An engine of one of the SDKs, as a process that is driven by lines.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use enginehouse_tests::python::{PYTHON_SDK_TOOLS, interpreter};
use enginehouse_tests::{node, until, without_variables};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::expectation::has;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Sdk {
    Rust,
    Python,
    TypeScript,
}

impl Sdk {
    pub(crate) const ALL: &[Self] = &[Self::Rust, Self::Python, Self::TypeScript];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Rust => Command::new(env!("CARGO_BIN_EXE_scenario_agent")),
            Self::Python => {
                let mut command = Command::new(interpreter(PYTHON_SDK_TOOLS));
                command.arg(file("sdks/python/tests/scenario_agent.py"));
                command.env("PYTHONPATH", file("sdks/python/src")).env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Self::TypeScript => {
                let mut command = Command::new("node");
                command.arg(node::typescript_sdk().join("tests/scenario-agent.mjs"));
                command
            }
        }
    }
}

pub(crate) struct Agent {
    child: Child,
    stdin: ChildStdin,
    lines: Arc<Mutex<Vec<Value>>>,
    calls: u64,
}

impl Agent {
    pub(crate) fn start(sdk: Sdk, url: &str, token: Option<&str>, options: &Value) -> Self {
        let mut command = sdk.command();
        without_variables(&mut command);
        command.arg(options.to_string()).env("ENGINEHOUSE_URL", url);
        if let Some(token) = token {
            command.env("ENGINEHOUSE_TOKEN", token);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the agent starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = parsed(&line);
                read.lock().unwrap_or_else(PoisonError::into_inner).push(value);
            }
        });
        Self { child, stdin, lines, calls: 0 }
    }

    /// Waits for a line with this, and takes it away.
    pub(crate) async fn line(&self, expected: &Value) -> Value {
        let take = async || {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let index = lines.iter().position(|line| has(line, expected))?;
            Some(lines.remove(index))
        };
        let what = format!("a line with {expected}; there are {:?}", self.all());
        until(&what, take).await
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn go(&mut self, name: &str) {
        self.write(&json!({ "go": name }).to_string());
    }

    /// Makes a call whose arguments are JSON text, and answers what came of it.
    pub(crate) async fn call(&mut self, call: &str, arguments: &str) -> Value {
        self.calls += 1;
        let id = self.calls;
        self.write(&format!("{{\"id\":{id},\"call\":\"{call}\",\"args\":{}}}", arguments.replace('\n', " ")));
        self.line(&json!({ "id": id })).await
    }

    fn write(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("the agent reads");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let signal = match signal {
            "TERM" => Signal::TERM,
            "INT" => Signal::INT,
            "KILL" => Signal::KILL,
            "STOP" => Signal::STOP,
            "CONT" => Signal::CONT,
            other => panic!("no signal is called {other} here"),
        };
        kill_process(Pid::from_child(&self.child), signal).expect("the agent runs");
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the agent has ended", async || self.child.try_wait().expect("it can be asked")).await
    }
}

/// A line, with its text as the field `line`: numbers may have more digits than a `Value` keeps.
fn parsed(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).unwrap_or_else(|error| json!({ "not_json": error.to_string() }));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("line".to_owned(), line.into());
    }
    value
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Most have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
