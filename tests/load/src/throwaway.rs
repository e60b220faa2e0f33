//! A server with throwaway data on a free port of the loopback.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval};

const SCRIPT: &str = include_str!("throwaway.sh");

/// How long a server may take until it listens.
const LIMIT: Duration = Duration::from_secs(30);

/// It ends, and its folder is removed, when this is dropped; also when this process is killed.
pub(crate) struct ThrowawayServer {
    name: String,
    folder: PathBuf,
    port: u16,
    pid: u32,
    watchdog: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl ThrowawayServer {
    /// Starts a program with the arguments that it takes for a folder and a port, and waits until it listens. It gets nothing of
    /// the environment but what finds programs, so that its settings are its defaults.
    pub(crate) async fn start(
        program: impl AsRef<OsStr>,
        line: impl FnOnce(&Path, u16) -> Vec<String>,
    ) -> Result<Self> {
        let program = program.as_ref();
        let name = Path::new(program).file_name().unwrap_or(program).display().to_string();
        let folder: PathBuf = tempfile::Builder::new().prefix("enginehouse-load-").tempdir()?.keep();
        let port = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port();
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("throwaway").arg(&folder).arg(program).args(line(&folder, port));
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut watchdog = command.spawn().context("cannot run sh")?;
        let orders = watchdog.stdin.take();
        let answers = BufReader::new(watchdog.stdout.take().context("stdout was asked for")?);
        // From here on it ends with this.
        let mut server = Self { name, folder, port, pid: 0, watchdog, orders, answers };
        server.pid = server.answer()?.parse().context("no process id")?;
        server.listens().await?;
        Ok(server)
    }

    /// Stops it as its users would, and waits until it has ended.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.order("stop")?;
        self.answer()?;
        Ok(())
    }

    /// Starts it on what it has left when it was stopped, and waits until it listens.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.order("start")?;
        self.pid = self.answer()?.parse().context("no process id")?;
        self.listens().await
    }

    fn order(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the server has ended")?;
        writeln!(orders, "{order}").context("nobody watches over the server any more")
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    async fn listens(&self) -> Result<()> {
        let (began, mut again) = (Instant::now(), interval(Duration::from_millis(10)));
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if began.elapsed() > LIMIT || !Path::new(&format!("/proc/{}/exe", self.pid)).exists() {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("{} does not listen on port {}: {}", self.name, self.port, log.trim_end());
            }
            again.tick().await;
        }
        Ok(())
    }

    /// Where its data are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for ThrowawayServer {
    fn drop(&mut self) {
        drop(self.orders.take());
        self.watchdog.wait().ok();
    }
}
