//! A server with throwaway data on a free port of the loopback.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval};

const SCRIPT: &str = include_str!("throwaway.sh");

/// How long a server may take until it listens.
const LIMIT: Duration = Duration::from_secs(30);

/// It ends, and its folder is removed, when this is dropped; also when this process is killed.
pub(crate) struct ThrowawayServer {
    port: u16,
    pid: u32,
    watchdog: Child,
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
        let mut first_line = String::new();
        BufReader::new(watchdog.stdout.take().context("stdout was asked for")?).read_line(&mut first_line)?;
        // From here on it ends with this.
        let server = Self { port, pid: first_line.trim().parse().context("no process id")?, watchdog };
        let began = Instant::now();
        let mut again = interval(Duration::from_millis(10));
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if began.elapsed() > LIMIT || !Path::new(&format!("/proc/{}/exe", server.pid)).exists() {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("{name} does not listen on port {port}: {}", log.trim_end());
            }
            again.tick().await;
        }
        Ok(server)
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
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().ok();
    }
}
