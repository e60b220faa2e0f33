//! PostgreSQL's programs: where they are, and as whom they run.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where Debian has a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Users that may run a server instead of root.
const INSTEAD_OF_ROOT: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Whether PostgreSQL's server is installed where [`Cluster`](crate::Cluster) finds it.
pub fn is_installed() -> bool {
    let version = Command::new(path_of("initdb")).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Runs statements on a server by `psql`, and answers what they answer: a line for each row, with `|` between values.
///
/// # Panics
/// The server is not there, or refuses a statement: with what it says.
pub fn psql(url: &str, sql: &str) -> String {
    try_psql(url, sql).unwrap_or_else(|error| panic!("psql on {url} does not do {sql:?}: {error}"))
}

/// The same, where a refusal is an answer: what `psql` wrote to stderr. Several statements are one transaction.
pub fn try_psql(url: &str, sql: &str) -> Result<String, String> {
    let mut psql = command(path_of("psql"));
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
    let output = psql.output().map_err(|error| format!("cannot run psql: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Copies a schema from one database into another as backups do: by a dump, whose content `pg_restore` brings there.
///
/// # Panics
/// One of them is not there, or refuses.
pub fn dump_and_restore(from: &str, schema: &str, to: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    let mut dump = command(path_of("pg_dump"));
    dump.args(["--format=custom", "--schema", schema, "--file"]).arg(file.path()).arg(from);
    let mut restore = command(path_of("pg_restore"));
    restore.args(["--exit-on-error", "--no-owner", "--dbname", to]).arg(file.path());
    for program in [&mut dump, &mut restore] {
        run(program).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A program of PostgreSQL: of the newest version whose server is installed, or else from the PATH.
pub(crate) fn path_of(program: &str) -> PathBuf {
    // Looked for each time, as a test may install it. A name without a folder is run from the PATH.
    newest(Path::new(DEBIAN)).unwrap_or_default().join(program)
}

/// The programs of the newest version that has a server: one may have but its client.
fn newest(versions: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(versions).ok()?.flatten();
    let with_server = versions.filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let programs = version.path().join("bin");
        (programs.join("initdb").exists() && programs.join("postgres").exists()).then_some((number, programs))
    });
    with_server.max().map(|(_, programs)| programs)
}

/// A program that reads nothing from stdin, and nothing of PostgreSQL from the environment.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "30");
    // PGOPTIONS or PGSERVICE in the environment of the tests would change what the programs do.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG") && name != "PGCONNECT_TIMEOUT") {
            command.env_remove(name);
        }
    }
    command
}

/// Whether this process may mount a disk that other processes do not see.
pub(crate) fn may_mount() -> bool {
    let mut mount = command("unshare");
    // Over a folder that is there everywhere; gone with the process.
    mount.args(["--mount", "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    rustix::process::geteuid().is_root() && mount.output().is_ok_and(|output| output.status.success())
}

/// Runs a program to its end for what it does. What it printed is in the error.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| io::Error::new(error.kind(), format!("cannot run {name}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let output = [stdout, stderr].concat();
    Err(io::Error::other(format!("{name} ended with {status}: {}", String::from_utf8_lossy(&output).trim_end())))
}

impl User {
    /// The user that runs servers, if it is not the user that runs the tests.
    pub(crate) fn instead_of_root() -> io::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let found = INSTEAD_OF_ROOT.iter().find_map(|name| Some(Self { uid: id("-u", name)?, gid: id("-g", name)? }));
        found.map(Some).ok_or_else(|| {
            io::Error::other(format!("root cannot run PostgreSQL, and none of {INSTEAD_OF_ROOT:?} is a user here"))
        })
    }

    /// Gives a file or a folder to the user.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }

    /// Has a program run as the user.
    pub(crate) fn run_as(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

fn id(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_with_a_server_is_found() {
        let versions = tempfile::tempdir().unwrap();
        for (version, programs) in [
            ("9.6", &["initdb", "postgres"][..]),
            ("9", &["initdb", "postgres"]),
            ("15", &["initdb", "postgres"]),
            ("17", &["psql"]),
        ] {
            let folder = versions.path().join(version).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            for program in programs {
                std::fs::write(folder.join(program), "").unwrap();
            }
        }
        assert_eq!(newest(versions.path()), Some(versions.path().join("15/bin")));
    }

    #[test]
    fn no_version_means_the_path() {
        assert_eq!(newest(Path::new("/proc/none")), None);
        assert_eq!(newest(tempfile::tempdir().unwrap().path()), None);
    }
}
