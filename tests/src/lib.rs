//! What the whole-system tests share: the real binary as a server, and as a command.

#![expect(clippy::print_stdout, reason = "tests show what they have run and counted")]

pub mod engine_run;
mod installed;
pub mod load;
pub mod node;
pub mod postgres;
pub mod python;
pub mod terminal;
pub mod test_store;
pub mod tls_proxy;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use enginehouse_client::{Client, ClientConfig};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The longest that a test waits for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The binary, which stands beside the tests in the target folder.
///
/// # Panics
/// It was not built: `cargo xtask test` does so first.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().nth(2).expect("tests are in target/*/deps");
    let binary = folder.join("enginehouse");
    assert!(binary.exists(), "{} is not there: run `cargo build`, or `cargo xtask test`", binary.display());
    binary
}

/// A command of the binary, without anything from the environment that could set it up otherwise.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    without_variables(&mut command);
    command.env("ENGINEHOUSE_LOG", "error");
    // The contexts of whoever runs the tests are none of theirs.
    command.env("ENGINEHOUSE_CONTEXT_FILE", "/nonexistent/contexts.toml");
    command
}

/// Takes from a command what sets up Enginehouse in the environment, or its tests.
pub fn without_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ENGINEHOUSE_") {
            command.env_remove(name);
        }
    }
}

/// Where Debian has the library of faketime; `cargo xtask test` installs it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// `enginehouse serve` with a clock of its own: a file says how far it is off, such as `-1d`.
///
/// # Panics
/// The library is not installed.
pub fn serve_with_clock(clock_file: &Path) -> Command {
    assert!(Path::new(FAKETIME).exists(), "install faketime, as `cargo xtask test` does");
    let mut serve = command(["serve"]);
    serve.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", clock_file);
    serve.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    serve
}

/// Waits for the end of a child whose output is piped.
///
/// # Panics
/// It takes longer than [`LIMIT`].
pub fn output(child: Child) -> Output {
    let watchdog = Watchdog::of(&child);
    let output = child.wait_with_output().expect("the binary ends");
    watchdog.assert_in_time();
    output
}

/// Kills a child that does not end within [`LIMIT`]: a test would wait for it for ever, and all tests with it.
struct Watchdog {
    ended: mpsc::Sender<()>,
    /// Answers whether it has killed it.
    thread: JoinHandle<bool>,
}

impl Watchdog {
    fn of(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        let (ended, waits) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let is_late = waits.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
            is_late && kill_process(pid, Signal::KILL).is_ok()
        });
        Self { ended, thread }
    }

    /// Call it once the child has ended.
    fn assert_in_time(self) {
        drop(self.ended);
        assert!(!self.thread.join().expect("it waits"), "a process has not ended in time and was killed");
    }
}

/// Runs a command of the binary to its end, with `input` on stdin.
pub fn run<A: AsRef<OsStr>>(url: &str, arguments: impl IntoIterator<Item = A>, input: &str) -> Output {
    let mut child = command(arguments)
        .env("ENGINEHOUSE_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_owned();
    // A command that ends before it has read everything closes its end.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
    let output = output(child);
    writing.join().expect("the writer does not panic");
    output
}

/// What a command wrote, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// How often something is killed: as often as `ENGINEHOUSE_TEST_KILLS` says for a long campaign, or else a few times.
///
/// # Panics
/// The variable holds no number.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests may want more of them")]
pub fn kills(few: usize) -> usize {
    std::env::var("ENGINEHOUSE_TEST_KILLS")
        .map_or(few, |many| many.parse().expect("ENGINEHOUSE_TEST_KILLS is a number"))
}

/// How often servers are stopped in a long campaign: as often as `ENGINEHOUSE_TEST_STOPS` says; none, if there is to be none.
///
/// # Panics
/// The variable holds no number.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests may want more of them")]
pub fn stops() -> Option<usize> {
    let many = std::env::var("ENGINEHOUSE_TEST_STOPS").ok()?;
    Some(many.parse().expect("ENGINEHOUSE_TEST_STOPS is a number"))
}

/// A server of its own, on a free port. Killed when dropped.
pub struct TestServer {
    child: Child,
    pub url: String,
}

impl TestServer {
    /// Starts a server on a data file, with more flags, and waits until it listens.
    ///
    /// # Panics
    /// It does not start.
    pub fn on(data_file: &Path, flags: &[&str]) -> Self {
        Self::at(&format!("sqlite://{}", data_file.display()), flags)
    }

    /// The same on any store, by its URL.
    ///
    /// # Panics
    /// It does not start.
    pub fn at(store: &str, flags: &[&str]) -> Self {
        Self::with(command(["serve"]), store, flags)
    }

    /// The same, by a command that is prepared.
    ///
    /// # Panics
    /// It does not start.
    pub fn with(mut command: Command, store: &str, flags: &[&str]) -> Self {
        let mut child = command
            .args(["--store", store])
            .args(if flags.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server says where it is");
        let url = line
            .split(['"', ' ', '\n'])
            .find(|word| ["http://", "https://", "unix:"].iter().any(|scheme| word.starts_with(scheme)));
        let url = url.unwrap_or_else(|| panic!("the server did not start: {line:?}")).to_owned();
        Self { child, url }
    }

    /// A client that repeats nothing by itself.
    ///
    /// # Panics
    /// The server said an address that is none.
    pub fn client(&self) -> Client {
        Client::with_config(&self.url, ClientConfig::default()).expect("an address").with_max_repeats(0)
    }

    /// The lines of `/metrics` that begin with `name`, each with its value.
    ///
    /// # Panics
    /// The server does not answer.
    pub async fn metrics(&self, name: &str) -> Vec<(String, f64)> {
        let stream = tokio::net::TcpStream::connect(self.url.trim_start_matches("http://")).await;
        let mut stream = stream.expect("the server listens");
        let asked = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        asked.expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the server answers");
        let value = |line: &str| Some((line.to_owned(), line.rsplit_once(' ')?.1.parse().ok()?));
        answer.lines().filter(|line| line.starts_with(name)).filter_map(value).collect()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would, for all that the process can do about it.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to stop, and waits until it has. Answers its exit status.
    pub fn stop(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// Waits until it has ended, and answers its exit status.
    ///
    /// # Panics
    /// It takes longer than [`LIMIT`].
    pub fn ended(mut self) -> Option<i32> {
        let watchdog = Watchdog::of(&self.child);
        let status = self.child.wait().expect("it has ended");
        watchdog.assert_in_time();
        status.code()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Most tests have ended it already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends SIGTERM to a child.
///
/// # Panics
/// It has ended already.
pub fn terminate(child: &Child) {
    send(child, Signal::TERM);
}

/// Sends SIGINT to a child, as Ctrl-C does.
///
/// # Panics
/// It has ended already.
pub fn interrupt(child: &Child) {
    send(child, Signal::INT);
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// Asks again and again until the answer is some.
///
/// # Panics
/// It takes longer than [`LIMIT`].
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        loop {
            again.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}
