//! The servers of a campaign: real processes, each on a port that it keeps over its restarts.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use enginehouse_client::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::clients::pause;

/// How long a server may take to be ready after its start.
const START: Duration = Duration::from_secs(60);
/// How long a server that has ended by itself stays away.
const SUPERVISED: Duration = Duration::from_secs(1);
/// Where Debian has the library of faketime.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// How servers are started.
#[derive(Clone, Debug)]
pub(crate) struct ServerSetup {
    pub(crate) binary: PathBuf,
    pub(crate) store: String,
    pub(crate) flags: Vec<String>,
    /// Where their logs go, and the file that moves their clocks.
    pub(crate) folder: PathBuf,
    pub(crate) has_own_clock: bool,
}

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct CampaignServer {
    pub(crate) index: usize,
    pub(crate) port: u16,
    setup: Arc<ServerSetup>,
    child: Arc<Mutex<Option<Child>>>,
    /// One fault at a time has a server of its own to spoil.
    is_spoiled: Arc<AtomicBool>,
}

/// Whether a clock can be moved for one process.
pub(crate) fn can_move_clocks() -> bool {
    Path::new(FAKETIME).exists()
}

impl CampaignServer {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(index: usize, setup: &Arc<ServerSetup>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Self { index, port, setup: Arc::clone(setup), child: Arc::default(), is_spoiled: Arc::default() };
        if setup.has_own_clock {
            server.move_clock(0)?;
        }
        server.start_again().await?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.setup.folder.join(format!("server-{}.log", self.index))
    }

    fn clock_file(&self) -> PathBuf {
        self.setup.folder.join(format!("clock-{}", self.index))
    }

    /// Sets its clock so many seconds off.
    pub(crate) fn move_clock(&self, seconds: i64) -> Result<()> {
        std::fs::write(self.clock_file(), format!("{seconds:+}s")).context("the file of a clock cannot be written")
    }

    /// Starts it on its port, and waits until it is ready. One that ends by itself, because the disk of its database is full, say, is
    /// started once more, as whatever supervises servers does.
    pub(crate) async fn start_again(&self) -> Result<()> {
        self.spawn()?;
        let client = Client::new(&self.url()).context("an address")?.with_max_repeats(0);
        let ready = async {
            while client.ready().await.is_err() {
                pause(Duration::from_millis(20)).await;
                let has_ended = matches!(self.child().as_mut().map(Child::try_wait), Some(Ok(Some(_))));
                if has_ended {
                    pause(SUPERVISED).await;
                    self.spawn()?;
                }
            }
            Ok(())
        };
        let why = || format!("server {} is not ready in time; see {}", self.index, self.log_file().display());
        tokio::time::timeout(START, ready).await.with_context(why)?
    }

    fn spawn(&self) -> Result<()> {
        let log: File = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let mut command = Command::new(&self.setup.binary);
        command
            .args(["serve", "--store", &self.setup.store, "--log", "warn", "--listen"])
            .arg(format!("127.0.0.1:{}", self.port))
            .args(&self.setup.flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for variable in ["ENGINEHOUSE_URL", "ENGINEHOUSE_CONFIG", "ENGINEHOUSE_STORE", "ENGINEHOUSE_SCHEMA"] {
            command.env_remove(variable);
        }
        if self.setup.has_own_clock {
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", self.clock_file());
            command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let child = command.spawn().with_context(|| format!("{} does not start", self.setup.binary.display()))?;
        *self.child() = Some(child);
        Ok(())
    }

    /// Ends it as a power cut would, for all that the process can do about it.
    pub(crate) fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child().take() {
            child.kill().context("a server cannot be killed")?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to stop, and waits until it has. Answers how it ended.
    pub(crate) async fn stop(&self) -> Result<String> {
        self.signal(Signal::TERM);
        let Some(mut child) = self.child().take() else { bail!("server {} has ended before", self.index) };
        Ok(tokio::task::spawn_blocking(move || child.wait()).await??.to_string())
    }

    /// Looks at every row of the store, which no server may have open any more. Answers what is wrong.
    pub(crate) async fn examine_store(&self) -> Result<Option<String>> {
        let mut doctor = tokio::process::Command::new(&self.setup.binary);
        // A store for tests need not wait for its disk.
        doctor.args(["doctor", "--store", &self.setup.store, "--durability", "relaxed"]);
        let output = doctor.output().await.context("doctor does not start")?;
        let report = || [&output.stdout[..], &output.stderr[..]].concat();
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&report()).into_owned()))
    }

    /// Sends it a signal, such as SIGSTOP.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = &*self.child() {
            // One that has ended by itself is noticed at the end.
            kill_process(Pid::from_child(child), signal).ok();
        }
    }

    /// The number of its process.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// The exit status of a server that has ended although nobody killed it.
    pub(crate) fn has_ended(&self) -> Option<String> {
        let status = self.child().as_mut()?.try_wait().ok()??;
        Some(status.to_string())
    }

    /// Takes it for a fault, unless another one has it.
    pub(crate) fn take(&self) -> bool {
        !self.is_spoiled.swap(true, Ordering::SeqCst)
    }

    pub(crate) fn release(&self) {
        self.is_spoiled.store(false, Ordering::SeqCst);
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The servers, killed in the end however that comes.
#[derive(Debug)]
pub(crate) struct Servers(pub(crate) Vec<CampaignServer>);

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &self.0 {
            server.kill().ok();
        }
    }
}
