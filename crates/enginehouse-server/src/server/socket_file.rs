//! The file of a Unix socket: made for whom it is meant for, replaced only if nobody listens on it, and removed at the end.
//!
//! A server that was killed leaves its file behind, and the next one has to take its place. But a file with somebody behind it
//! belongs to that server, and one that is no socket, or only a link to one, to somebody else. So what is there is looked at,
//! without following a link, and called. Two servers that start at once would both find nobody: so whoever looks holds a lock
//! on the folder meanwhile.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, fchmod, flock};
use rustix::io::Errno;
use tokio::net::{UnixListener, UnixSocket};

use crate::timers::pause;

/// How many connections the kernel makes before the server accepts them; it has a limit of its own.
const BACKLOG: u32 = 1_024;
/// How often, and how long in between, the lock of the folder is asked for.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The file of a socket that is listened on, until this is dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: the file that is removed has to be the one that was made.
    id: (u64, u64),
}

impl SocketFile {
    /// Makes it, and listens. Only those whom `mode` lets may connect, from the first moment on.
    pub(super) async fn listen(path: &Path, mode: u32) -> io::Result<(UnixListener, Self)> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("/"));
        let _locked = locked(folder).await?;
        make_room(path)?;
        let socket = UnixSocket::new_stream()?;
        // The file is made with these permissions at most, and nobody connects before `listen`.
        fchmod(socket.as_fd(), Mode::from_raw_mode(mode))?;
        socket.bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        let made = fs::symlink_metadata(path)?;
        let listener = socket.listen(BACKLOG)?;
        Ok((listener, Self { path: path.to_owned(), id: (made.dev(), made.ino()) }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.id);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the file of the socket stays behind");
        }
    }
}

/// The folder, with a lock on it until it is dropped. Others hold theirs for as long as they look and listen.
async fn locked(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    for _ in 0..LOCK_TRIES {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => pause(LOCK_PAUSE).await,
            taken => return taken.map(|()| folder).map_err(io::Error::from),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps a lock (flock) on the folder"))
}

/// Removes the file of a server that has gone.
fn make_room(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        let what = if found.is_symlink() { "a symbolic link" } else { "no socket" };
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("what is there is {what}, and is left alone"),
        ));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a server listens on it")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    async fn listen(path: &Path) -> Result<(UnixListener, SocketFile), io::ErrorKind> {
        SocketFile::listen(path, 0o600).await.map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn a_socket_is_replaced_only_if_nobody_listens_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let (listener, file) = listen(&path).await.unwrap();
        assert_eq!(listen(&path).await.unwrap_err(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).unwrap();
        // Killed: the file stays, and nobody is behind it.
        drop(listener);
        std::mem::forget(file);
        let (_listener, file) = listen(&path).await.unwrap();
        // Somebody else has taken the name: that is theirs.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        drop(file);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        let (_listener, file) = listen(&path).await.unwrap();
        drop(file);
        assert!(!path.exists(), "it is removed at the end");
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, target) = (folder.path().join("http.sock"), folder.path().join("target"));
        fs::write(&path, "mine").unwrap();
        assert_eq!(listen(&path).await.unwrap_err(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
        symlink(&target, &path).unwrap();
        assert_eq!(listen(&path).await.unwrap_err(), io::ErrorKind::AlreadyExists);
        assert!(!target.exists());
        // Not even to a socket that nobody listens on.
        let (listener, file) = listen(&target).await.unwrap();
        drop(listener);
        std::mem::forget(file);
        assert_eq!(listen(&path).await.unwrap_err(), io::ErrorKind::AlreadyExists);
        assert_eq!(listen(&folder.path().join("none/http.sock")).await.unwrap_err(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_socket_is_for_those_whom_its_mode_lets() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o660, 0o666] {
            let path = folder.path().join("http.sock");
            let _listening = SocketFile::listen(&path, mode).await.unwrap();
            assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, mode);
        }
    }
}
