//! PgBouncer in front of a server.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

use crate::cluster::Cluster;
use crate::ports;
use crate::waiting::until;
use crate::watchdog::Watched;

/// Where Debian has it; a user's PATH may not lead there.
const DEBIAN: &str = "/usr/sbin/pgbouncer";

/// When a client gives its connection to the server to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// When it disconnects.
    Session,
    /// When its transaction ends: what it has set or prepared in its session is another's afterwards.
    Transaction,
}

/// A PgBouncer on 127.0.0.1, which lets everybody in. Ended when dropped.
#[derive(Debug)]
pub struct Pgbouncer {
    port: u16,
    folder: Option<Watched>,
    child: Child,
}

impl Pgbouncer {
    /// Whether it is installed where [`Pgbouncer::in_front_of`] finds it.
    pub fn is_installed() -> bool {
        Command::new(program()).arg("--version").output().is_ok_and(|output| output.status.success())
    }

    /// Starts one in front of a server, with at most so many connections to each of its databases.
    ///
    /// # Panics
    /// It is not installed, or does not start.
    pub fn in_front_of(cluster: &Cluster, mode: PoolMode, pool_size: u32) -> Self {
        Self::try_in_front_of(cluster, mode, pool_size)
            .unwrap_or_else(|error| panic!("PgBouncer does not start: {error}"))
    }

    fn try_in_front_of(cluster: &Cluster, mode: PoolMode, pool_size: u32) -> io::Result<Self> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let folder = Watched::folder()?;
            let port = ports::free()?;
            folder.write("users.txt", "\"postgres\" \"\"\n")?;
            folder.write("pgbouncer.ini", &configuration(folder.path(), cluster.port(), port, mode, pool_size))?;
            let mut command = folder.command(program());
            command.arg("pgbouncer.ini");
            let mut child = folder.serve(command)?;
            // Its own file says that it is this process that listens, and not another one on the same port.
            let pid_file = folder.path().join("pgbouncer.pid");
            let begun = until("PgBouncer listens", || {
                if let Some(status) = child.try_wait()? {
                    return Err(io::Error::other(format!("it ended with {status}: {}", folder.log())));
                }
                let listens = pid_file.exists() && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
                Ok(listens.then_some(()))
            });
            let taken = folder.log().contains("ddress already in use");
            let pgbouncer = Self { port, folder: Some(folder), child };
            match begun {
                Ok(()) if !taken => return Ok(pgbouncer),
                _ if taken && attempts < ports::ATTEMPTS => {}
                Ok(()) => return Err(io::Error::other(pgbouncer.log())),
                Err(error) => return Err(error),
            }
        }
    }

    /// Where a database of the server is, through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.folder.as_ref().map(Watched::log).unwrap_or_default()
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        drop(self.folder.take());
        // The watchdog has ended it, unless it had not yet said its process id.
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

fn program() -> &'static Path {
    let debian = Path::new(DEBIAN);
    if debian.exists() { debian } else { Path::new("pgbouncer") }
}

fn configuration(folder: &Path, server: u16, port: u16, mode: PoolMode, pool_size: u32) -> String {
    let folder = folder.display();
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
    };
    format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir = {folder}\n\
         pidfile = {folder}/pgbouncer.pid\n\
         auth_type = trust\n\
         auth_file = {folder}/users.txt\n\
         admin_users = postgres\n\
         pool_mode = {mode}\n\
         default_pool_size = {pool_size}\n\
         max_client_conn = 1000\n"
    )
}
