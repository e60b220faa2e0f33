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
const PATIENCE: Duration = Duration::from_secs(15);
/// Names for engines.
const NAMES: [&str; 16] = [
    "ada", "babbage", "curie", "darwin", "euler", "faraday", "gauss", "hopper", "ibn-sina", "joule", "kepler",
    "lovelace", "maxwell", "noether", "ohm", "pascal",
];

/// Everything that the demo has started. Each process ends when its stdin does, so that none outlives the demo, however
/// it ends.
pub(super) struct Fleet {
    folder: PathBuf,
    server: Option<Child>,
    engines: Vec<Member>,
}

/// One engine's process.
struct Member {
    engine_id: EngineId,
    child: Child,
}

/// What an engine can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    pub(super) glass: bool,
    pub(super) max_concurrent: u32,
    pub(super) memory_mb: u64,
}

impl Fleet {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, server: None, engines: Vec::new() }
    }

    /// Starts `enginehouse serve` on a free port, and waits until it listens.
    pub(super) async fn start_server(&mut self) -> anyhow::Result<Client> {
        let store = format!("sqlite://{}", self.folder.join("demo.db").display());
        let mut command = own_binary()?;
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--until-stdin-ends", "--store", &store]);
        let mut server = self.start(command.stdout(Stdio::piped()), "server")?;
        let stdout = server.stdout.take().context("the server's output is piped")?;
        self.server = Some(server);
        let mut first_line = String::new();
        let mut lines = BufReader::new(stdout);
        tokio::time::timeout(PATIENCE, lines.read_line(&mut first_line))
            .await
            .context("the server did not start in time")?
            .context("the server's output cannot be read")?;
        let Some(url) = first_line.split_whitespace().find(|word| word.starts_with("http://")) else {
            bail!("the server did not start");
        };
        Client::new(url).context("the server has no address")
    }

    /// Starts the `number`th engine.
    pub(super) fn start_engine(&mut self, url: &str, number: u32) -> anyhow::Result<(EngineId, Abilities)> {
        let name = NAMES[number as usize % NAMES.len()];
        let engine_id: EngineId = name.parse().context("a name")?;
        // Unlike: every other engine can do glass, and those have more room.
        let glass = number.is_multiple_of(2);
        let abilities =
            Abilities { glass, max_concurrent: if glass { 2 } else { 1 }, memory_mb: if glass { 256 } else { 128 } };
        let mut command = own_binary()?;
        command.args(["demo-engine", "--url", url, "--engine-id", name]);
        command.args(["--max-concurrent", &abilities.max_concurrent.to_string()]);
        command.args(["--memory-mb", &abilities.memory_mb.to_string()]);
        if glass {
            command.arg("--glass");
        }
        let child = self.start(command.stdout(Stdio::null()), name)?;
        self.engines.push(Member { engine_id: engine_id.clone(), child });
        Ok((engine_id, abilities))
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

    /// Kills an engine with SIGKILL: it has no chance to say or do anything.
    pub(super) async fn kill(&mut self, engine_id: &EngineId) -> anyhow::Result<()> {
        let member = self.engines.iter_mut().find(|member| member.engine_id == *engine_id);
        member.context("no such engine")?.child.kill().await.context("the engine cannot be killed")
    }

    /// Fails if a process has ended by itself.
    pub(super) fn require_alive(&mut self, killed: Option<&EngineId>) -> anyhow::Result<()> {
        if let Some(server) = &mut self.server
            && let Some(status) = server.try_wait()?
        {
            bail!("the server has ended by itself: {status}");
        }
        for member in self.engines.iter_mut().filter(|member| killed != Some(&member.engine_id)) {
            if let Some(status) = member.child.try_wait()? {
                bail!("engine {} has ended by itself: {status}", member.engine_id);
            }
        }
        Ok(())
    }

    /// Ends everything: the engines first, so that they can say goodbye.
    pub(super) async fn stop(&mut self) {
        let engines = self.engines.drain(..).map(|member| member.child);
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

/// This very program.
fn own_binary() -> anyhow::Result<Command> {
    Ok(Command::new(std::env::current_exe().context("this program does not know where it is")?))
}

/// Ends a process by ending its stdin; kills it if that does not help.
async fn end(mut child: Child) {
    drop(child.stdin.take());
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        // It is dropped next, which kills it as well.
        child.kill().await.ok();
    }
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(8)..];
    format!("-- {}\n{}", path.file_name().unwrap_or_default().display(), last.join("\n"))
}
