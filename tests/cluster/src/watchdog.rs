//! A folder that goes when its owner does, with the server that runs in it.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::programs::{self, User};

const SCRIPT: &str = include_str!("watchdog.sh");

/// A folder, and the process that removes it.
#[derive(Debug)]
pub(crate) struct Watched {
    folder: PathBuf,
    user: Option<User>,
    watchdog: Child,
}

impl Watched {
    /// A new folder that belongs to the user who may run servers.
    pub(crate) fn folder() -> io::Result<Self> {
        let user = User::instead_of_root()?;
        let folder = tempfile::Builder::new().prefix("enginehouse-").tempdir()?;
        if let Some(user) = user {
            user.own(folder.path())?;
        }
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("watchdog").arg(folder.path()).arg(programs::path_of("pg_ctl"));
        // Its stdin is the pipe; an output of the owner's would seem in use until the watchdog has ended.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Not in the folder, which it removes.
        command.current_dir("/").process_group(0);
        if let Some(user) = user {
            user.run_as(&mut command);
        }
        let watchdog = command.spawn().map_err(|error| io::Error::other(format!("no watchdog: {error}")))?;
        // From now on the watchdog removes it.
        Ok(Self { folder: folder.keep(), user, watchdog })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// A program that runs in the folder, as its owner.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = programs::command(program.as_ref());
        command.current_dir(&self.folder);
        if let Some(user) = self.user {
            user.run_as(&mut command);
        }
        command
    }

    /// The same, by root, with a disk of so many MiB in a folder there: in memory, seen by this process and its children
    /// alone, and gone with them.
    pub(crate) fn command_with_disk(
        &self,
        program: impl AsRef<Path>,
        folder: &str,
        megabytes: u32,
    ) -> io::Result<Command> {
        let user = self.user.ok_or_else(|| io::Error::other("only root can mount a disk"))?;
        let mount = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=0700,uid={uid},gid={gid} tmpfs {folder} &&
             exec setpriv --reuid {uid} --regid {gid} --clear-groups \"$0\" \"$@\"",
            uid = user.uid,
            gid = user.gid,
        );
        let mut command = programs::command("unshare");
        command.current_dir(&self.folder).args(["--mount", "--", "sh", "-c", &mount]).arg(program.as_ref());
        Ok(command)
    }

    /// Starts a server that writes to a log in the folder. Ctrl-C in a test does not interrupt it: the
    /// watchdog ends it in order.
    pub(crate) fn serve(&self, mut command: Command) -> io::Result<Child> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file())?;
        command.stdout(log.try_clone()?).stderr(log).process_group(0);
        command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot run {:?}: {error}; is it installed?", command.get_program()))
        })
    }

    /// What the server has written so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes a file that the server may read.
    pub(crate) fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)?;
        self.user.map_or(Ok(()), |user| user.own(&path))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Closes the pipe, and waits. If the watchdog is gone, it was killed and nothing is left to do here.
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().ok();
    }
}
