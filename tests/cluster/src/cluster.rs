//! A PostgreSQL server with a data folder of its own.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use rustix::process::Signal;

use crate::database_names::fresh_name;
use crate::ports;
use crate::processes::{children, is_halted, is_running, signal};
use crate::programs::{may_mount, path_of, psql, run};
use crate::waiting::until;
use crate::watchdog::Watched;

/// What a server is set to unless a test says otherwise. These may be overridden; see [`Cluster::start_with`].
const SETTINGS: &[(&str, &str)] = &[
    // No power cut happens to a test, and what a killed process has written is still written.
    ("fsync", "off"),
    // All shared memory lies in the data folder and goes with it; /dev/shm may also be small, as in a container.
    ("dynamic_shared_memory_type", "mmap"),
    // A standby that was stopped for a while finds what it missed.
    ("wal_keep_size", "256MB"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
];

/// Where the small disk of a server is in its folder.
const SMALL_DISK: &str = "small";

/// A PostgreSQL server on 127.0.0.1, removed when dropped. Every user of this machine may connect as `postgres`.
///
/// Its port stays the same over [`stop`](Self::stop), [`kill`](Self::kill) and [`start_again`](Self::start_again), and
/// so do its URLs.
#[derive(Debug)]
pub struct Cluster {
    port: u16,
    // Dropped first: the child is then asked about, which lets the kernel forget it.
    folder: Option<Watched>,
    server: Mutex<Option<Child>>,
    small_disk: Option<u32>,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// In order: transactions are rolled back, clients are disconnected, all is written.
    Fast,
    /// At once. It recovers when it starts again, as after a crash.
    Immediate,
}

impl Cluster {
    /// Starts an empty server, and waits until it answers.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with lines of `postgresql.conf`. A crash or durability test wants `("fsync", "on")`.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or does not start.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::try_start_with(settings).unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}"))
    }

    /// The same, where a failure is an answer.
    pub fn try_start_with(settings: &[(&str, &str)]) -> io::Result<Self> {
        Self::begin(initialized()?, &[SETTINGS, settings].concat(), None)
    }

    /// Starts an empty server that has a second disk of so many MiB, for [databases](Self::create_database_on_small_disk)
    /// that fill it. `None` if this process may not mount a disk: only root may, and not in every container. What is on that disk
    /// does not outlive the server's process.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or does not start.
    pub fn start_with_small_disk(megabytes: u32) -> Option<Self> {
        if !may_mount() {
            return None;
        }
        let begin = || {
            let folder = initialized()?;
            fs::create_dir(folder.path().join(SMALL_DISK))?;
            Self::begin(folder, SETTINGS, Some(megabytes))
        };
        Some(begin().unwrap_or_else(|error: io::Error| panic!("PostgreSQL does not start: {error}")))
    }

    /// A standby that follows a server, on a port of its own: it answers queries, and can be [promoted](Self::promote).
    ///
    /// If it is synchronous, the server answers a commit only once this standby has it too, from now on; until another
    /// takes its place. So without it, commits there wait.
    ///
    /// # Panics
    /// The server is not there, or the standby does not start.
    pub fn standby_of(primary: &Self, synchronous: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("standby_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let standby = Self::try_standby_of(primary, &name);
        let standby = standby.unwrap_or_else(|error| panic!("the standby does not start: {error}"));
        if synchronous {
            primary.psql(&format!("alter system set synchronous_standby_names = '{name}'"));
            primary.psql("select pg_reload_conf()");
        }
        let wanted = if synchronous { "sync" } else { "async" };
        let state = format!(
            "select sync_state from pg_stat_replication where application_name = '{name}' and state = 'streaming'"
        );
        until("the standby follows", || Ok((primary.psql(&state) == wanted).then_some(())))
            .unwrap_or_else(|error| panic!("{error}\n{}", standby.log()));
        standby
    }

    fn try_standby_of(primary: &Self, name: &str) -> io::Result<Self> {
        let folder = Watched::folder()?;
        let source = format!("host=127.0.0.1 port={} user=postgres application_name={name}", primary.port);
        let mut copy = folder.command(path_of("pg_basebackup"));
        copy.arg("--pgdata").arg(folder.path().join("data")).arg("--dbname").arg(source);
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        run(&mut copy)?;
        // Settings are copied with the data; those that differ come later in the file.
        Self::begin(folder, &[], None)
    }

    /// Starts what is in the folder for the first time, on the first port that is still free then.
    fn begin(folder: Watched, settings: &[(&str, &str)], small_disk: Option<u32>) -> io::Result<Self> {
        let configuration = folder.path().join("data/postgresql.conf");
        let initial = fs::read_to_string(&configuration)? + &lines(settings);
        let mut cluster = Self { port: 0, folder: Some(folder), server: Mutex::default(), small_disk };
        let mut attempts = 0;
        loop {
            cluster.port = ports::free()?;
            let place = lines(&[
                ("listen_addresses", "127.0.0.1"),
                ("port", &cluster.port.to_string()),
                ("unix_socket_directories", &cluster.socket_folder().display().to_string()),
            ]);
            cluster.folder().write("data/postgresql.conf", &format!("{initial}{place}"))?;
            attempts += 1;
            match cluster.try_start_again() {
                Ok(()) => return Ok(cluster),
                Err(_) if attempts < ports::ATTEMPTS && cluster.log().contains("Address already in use") => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where a database of it is, for a client that connects by TCP as `postgres`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder().path()
    }

    /// The folder with its data.
    pub fn data_folder(&self) -> PathBuf {
        self.folder().path().join("data")
    }

    /// Runs statements in the database `postgres`; see [`psql()`].
    ///
    /// # Panics
    /// The server is not there, or refuses a statement.
    pub fn psql(&self, sql: &str) -> String {
        psql(&self.url("postgres"), sql)
    }

    /// Makes an empty database with a name of its own, and answers where it is.
    ///
    /// # Panics
    /// The server is not there, or refuses.
    pub fn create_database(&self) -> String {
        let name = fresh_name();
        self.psql(&format!("create database {name}"));
        self.url(&name)
    }

    /// The same on the small disk.
    ///
    /// # Panics
    /// There is none, or the server is not there.
    pub fn create_database_on_small_disk(&self) -> String {
        let name = fresh_name();
        self.psql(&format!("create tablespace {name} location '{}'", self.folder().path().join(SMALL_DISK).display()));
        self.psql(&format!("create database {name} tablespace {name}"));
        self.url(&name)
    }

    /// The process id of the server's first process, the postmaster.
    ///
    /// # Panics
    /// It does not run.
    pub fn postmaster_pid(&self) -> u32 {
        self.server().as_ref().expect("the server runs").id()
    }

    /// What the server has written to its log since it was made.
    pub fn log(&self) -> String {
        self.folder().log()
    }

    /// Stops it, and waits until it has.
    ///
    /// # Panics
    /// It does not run, or does not stop.
    pub fn stop(&self, how: Stop) {
        let mut server = self.server();
        let child = server.as_mut().expect("the server runs");
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        self.pg_ctl(&["stop", "--mode", mode]).unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        child.wait().expect("a child can be waited for");
        *server = None;
    }

    /// Ends all its processes at once, as a crash of the machine would but for what is not yet on disk.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&self) {
        let mut server = self.server();
        let child = server.as_mut().expect("the server runs");
        let postmaster = child.id();
        // One that is halted starts no more children, and does not take the end of one for a reason to recover.
        signal(postmaster, Signal::STOP);
        until("the postmaster is halted", || Ok(is_halted(postmaster).then_some(()))).expect("it runs");
        let children = children(postmaster);
        for pid in children.iter().copied().chain([postmaster]) {
            signal(pid, Signal::KILL);
        }
        child.wait().expect("a child can be waited for");
        // The server does not start while a process of its former life could still write.
        until("all have ended", || Ok(children.iter().all(|pid| !is_running(*pid)).then_some(())))
            .expect("nothing survives that signal");
        *server = None;
    }

    /// Has all its processes stand still until [`thaw`](Self::thaw), as a disk or a network that does not answer would:
    /// connections stay open, and no client is notified.
    ///
    /// # Panics
    /// It does not run.
    pub fn freeze(&self) {
        let postmaster = self.postmaster_pid();
        signal(postmaster, Signal::STOP);
        until("the postmaster is halted", || Ok(is_halted(postmaster).then_some(()))).expect("it runs");
        for pid in children(postmaster) {
            signal(pid, Signal::STOP);
        }
    }

    /// Has them go on.
    ///
    /// # Panics
    /// It does not run.
    pub fn thaw(&self) {
        let postmaster = self.postmaster_pid();
        for pid in children(postmaster).into_iter().chain([postmaster]) {
            signal(pid, Signal::CONT);
        }
    }

    /// Starts it after [`stop`](Self::stop) or [`kill`](Self::kill), and waits until it answers.
    ///
    /// # Panics
    /// It runs, or does not start.
    pub fn start_again(&self) {
        self.try_start_again().unwrap_or_else(|error| panic!("PostgreSQL does not start again: {error}"));
    }

    /// Stops it in order and starts it again.
    ///
    /// # Panics
    /// It does not run, does not stop, or does not start.
    pub fn restart(&self) {
        self.stop(Stop::Fast);
        self.start_again();
    }

    /// Makes a standby a server that takes writes, and waits until it does.
    ///
    /// # Panics
    /// It is no standby, or does not run.
    pub fn promote(&self) {
        self.pg_ctl(&["promote"]).unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    fn try_start_again(&self) -> io::Result<()> {
        let mut server = self.server();
        assert!(server.is_none(), "the server runs already");
        // Our own child, not that of `pg_ctl`: once killed it must be waited for, or its id would still seem in use.
        let mut postgres = match self.small_disk {
            Some(megabytes) => self.folder().command_with_disk(path_of("postgres"), SMALL_DISK, megabytes)?,
            None => self.folder().command(path_of("postgres")),
        };
        postgres.arg("-D").arg(self.data_folder());
        let mut child = self.folder().serve(postgres)?;
        let begun = until("the server is ready", || {
            if let Some(status) = child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}: {}", last_lines(&self.log()))));
            }
            Ok(says_ready(&self.data_folder(), child.id()).then_some(()))
        });
        *server = Some(child);
        if begun.is_err() {
            // A server that did not stop is of no use: kill it.
            let mut child = server.take().expect("it was just put there");
            child.kill().and_then(|()| child.wait()).ok();
        }
        begun
    }

    fn pg_ctl(&self, line: &[&str]) -> io::Result<()> {
        let mut command: Command = self.folder().command(path_of("pg_ctl"));
        run(command.args(line).arg("--pgdata").arg(self.data_folder()).args(["--wait", "--timeout=60"]))
    }

    fn folder(&self) -> &Watched {
        self.folder.as_ref().expect("it is there until this is dropped")
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        // A test that has failed with it still wants the server to be stopped.
        self.server.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.folder.take());
        if let Some(mut child) = self.server().take() {
            // The watchdog has stopped it. If that has failed, this has not.
            child.kill().and_then(|()| child.wait()).ok();
        }
    }
}

/// A folder with the data of an empty server.
fn initialized() -> io::Result<Watched> {
    let folder = Watched::folder()?;
    let mut initdb = folder.command(path_of("initdb"));
    initdb.arg("--pgdata").arg(folder.path().join("data"));
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    run(&mut initdb)?;
    Ok(folder)
}

/// What `pg_ctl` looks at too: the file of a server tells its process id in its first line, its state in its eighth.
fn says_ready(data: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines();
    // A server that was killed has left its file.
    lines.next() == Some(&pid.to_string()) && lines.nth(6).is_some_and(|state| state.trim_end() == "ready")
}

/// Lines of `postgresql.conf`. Of two with one name, the later counts.
fn lines(settings: &[(&str, &str)]) -> String {
    settings.iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "{name} = '{}'", value.replace('\'', "''")).expect("a string takes everything");
        text
    })
}

fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_a_quote() {
        assert_eq!(lines(&[("a", "b"), ("c", "it's")]), "a = 'b'\nc = 'it''s'\n");
    }
}
