//! The processes of the demo: a server and its engines.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use enginehouse_client::Client;
use enginehouse_core::ids::EngineId;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a process may take to start, and to end once it is asked to.
const PROCESS_LIMIT: Duration = Duration::from_secs(15);
const NAMES: [&str; 16] = [
    "ada", "babbage", "curie", "darwin", "euler", "faraday", "gauss", "hopper", "ibn-sina", "joule", "kepler",
    "lovelace", "maxwell", "noether", "ohm", "pascal",
];

/// Every process that the demo has started. Each one ends when its stdin does, so that none outlives the demo, however the
/// demo ends.
pub(super) struct DemoFleet {
    /// The `enginehouse` program.
    program: PathBuf,
    /// Where the data file and the logs are.
    folder: PathBuf,
    server: Option<Child>,
    engines: Vec<EngineProcess>,
}

struct EngineProcess {
    engine_id: EngineId,
    child: Child,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct EngineSetup {
    pub(super) glass: bool,
    pub(super) max_concurrent: u32,
    pub(super) memory_mb: u64,
}

impl DemoFleet {
    pub(super) fn new(program: PathBuf, folder: PathBuf) -> Self {
        Self { program, folder, server: None, engines: Vec::new() }
    }

    /// Starts `enginehouse serve` on a free port, and waits until it listens.
    pub(super) async fn start_server(&mut self) -> anyhow::Result<Client> {
        let store = format!("sqlite://{}", self.folder.join("demo.db").display());
        let mut command = Command::new(&self.program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--until-stdin-ends", "--store", &store]);
        let mut server = self.start(command.stdout(Stdio::piped()), "server")?;
        let stdout = server.stdout.take().context("the server's output is piped")?;
        self.server = Some(server);
        let mut first_line = String::new();
        let mut lines = BufReader::new(stdout);
        tokio::time::timeout(PROCESS_LIMIT, lines.read_line(&mut first_line))
            .await
            .context("the server did not start in time")?
            .context("the server's output cannot be read")?;
        let Some(url) = first_line.split_whitespace().find(|word| word.starts_with("http://")) else {
            bail!("the server did not start");
        };
        Client::new(url).context("the server has no address")
    }

    /// Starts the `number`th engine.
    pub(super) fn start_engine(&mut self, url: &str, number: u32) -> anyhow::Result<(EngineId, EngineSetup)> {
        let name = NAMES[number as usize % NAMES.len()];
        let engine_id: EngineId = name.parse().context("a name")?;
        // Every other engine can render glass. Those may also work on more at once.
        let glass = number.is_multiple_of(2);
        let setup =
            EngineSetup { glass, max_concurrent: if glass { 2 } else { 1 }, memory_mb: if glass { 256 } else { 128 } };
        let mut command = Command::new(&self.program);
        command.args(["demo-engine", "--url", url, "--engine-id", name]);
        command.args(["--max-concurrent", &setup.max_concurrent.to_string()]);
        command.args(["--memory-mb", &setup.memory_mb.to_string()]);
        if glass {
            command.arg("--glass");
        }
        let child = self.start(command.stdout(Stdio::null()), name)?;
        self.engines.push(EngineProcess { engine_id: engine_id.clone(), child });
        Ok((engine_id, setup))
    }

    fn start(&self, command: &mut Command, name: &str) -> anyhow::Result<Child> {
        let log = self.log_of(name);
        let log = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command
            .stdin(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Kills an engine with SIGKILL: it cannot deregister or release its events.
    pub(super) async fn kill(&mut self, engine_id: &EngineId) -> anyhow::Result<()> {
        let engine = self.engines.iter_mut().find(|engine| engine.engine_id == *engine_id);
        engine.context("no such engine")?.child.kill().await.context("the engine cannot be killed")
    }

    /// Fails if a process has ended by itself.
    pub(super) fn require_alive(&mut self, killed: Option<&EngineId>) -> anyhow::Result<()> {
        if let Some(server) = &mut self.server
            && let Some(status) = server.try_wait()?
        {
            bail!("the server has ended by itself: {status}");
        }
        for engine in self.engines.iter_mut().filter(|engine| killed != Some(&engine.engine_id)) {
            if let Some(status) = engine.child.try_wait()? {
                bail!("engine {} has ended by itself: {status}", engine.engine_id);
            }
        }
        Ok(())
    }

    /// Ends everything: the engines first, so that they can still deregister.
    pub(super) async fn stop(&mut self) {
        let engines = self.engines.drain(..).map(|engine| engine.child);
        futures_util::future::join_all(engines.map(end)).await;
        if let Some(server) = self.server.take() {
            end(server).await;
        }
    }

    /// The last lines of every log, for when something went wrong.
    pub(super) fn last_log_lines(&self) -> String {
        let mut names: Vec<_> =
            std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        names.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        names.sort();
        names.iter().map(|path| last_lines(path)).collect::<Vec<_>>().join("\n")
    }
}

/// Ends a process by ending its stdin; kills it if that does not help.
async fn end(mut child: Child) {
    drop(child.stdin.take());
    if tokio::time::timeout(PROCESS_LIMIT, child.wait()).await.is_err() {
        // If this fails, dropping the child next kills it too.
        child.kill().await.ok();
    }
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(8)..];
    format!("-- {}\n{}", path.file_name().unwrap_or_default().display(), last.join("\n"))
}
