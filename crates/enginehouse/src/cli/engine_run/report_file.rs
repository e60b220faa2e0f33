//! The file in which a command reports: a pipe with a name, which any program can write to as to a file.
//!
//! A pipe, since nothing of it is left to be read anew, and no disk fills; with a name, since every language can open one, and any
//! number of a command's children at once. The engine has it open for writing itself, so that it has no end before the engine
//! writes one, when the command has ended.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};
use tokio::task::JoinHandle;

use super::report_lines::ReportLines;

/// What the engine itself writes at the end: no text has this character.
const END: &[u8] = b"\n\0\n";
/// The longest line: a result and what stands around it.
const MAX_LINE: usize = 512 * 1024;

/// Where the files of one engine are. It goes with the engine.
#[derive(Debug)]
pub(super) struct ReportFolder(TempDir);

/// The file of one command.
#[derive(Debug)]
pub(super) struct ReportFile {
    path: PathBuf,
    receiver: Receiver,
    /// Keeps the pipe from having an end before the command's.
    sender: Sender,
}

/// Ends what a command reports, once it has ended.
#[derive(Debug)]
pub(super) struct ReportEnd(Sender);

impl ReportEnd {
    /// What is written to a pipe comes out in its order: nothing that the command has written is behind this.
    pub(super) async fn write(mut self) {
        // A reader that is gone reads nothing more in any case.
        drop(self.0.write_all(END).await);
    }
}

impl ReportFolder {
    pub(super) fn new() -> io::Result<Self> {
        // Only this user may enter it.
        Ok(Self(tempfile::Builder::new().prefix("enginehouse-").tempdir()?))
    }

    /// Makes a file of this name.
    pub(super) fn file(&self, name: &str) -> io::Result<ReportFile> {
        let path = self.0.path().join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let receiver = OpenOptions::new().open_receiver(&path)?;
        let sender = OpenOptions::new().open_sender(&path)?;
        Ok(ReportFile { path, receiver, sender })
    }
}

impl ReportFile {
    pub(super) fn path(&self) -> OsString {
        OsString::from(self.path.as_os_str())
    }

    /// Reads lines in a task of its own, until the end is written.
    pub(super) fn read(self, lines: ReportLines) -> (JoinHandle<ReportLines>, ReportEnd) {
        let Self { path, receiver, sender } = self;
        (tokio::spawn(read_to_the_end(path, receiver, lines)), ReportEnd(sender))
    }
}

async fn read_to_the_end(path: PathBuf, receiver: Receiver, mut lines: ReportLines) -> ReportLines {
    let mut reader = BufReader::with_capacity(64 * 1024, receiver);
    let mut line = Vec::new();
    let mut too_long = false;
    // A pipe that breaks has come to its end, and so has one that nobody has open for writing: the engine has given up.
    while let Ok(part @ [_, ..]) = reader.fill_buf().await {
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |end| end + 1);
        if line.len() + taken <= MAX_LINE {
            line.extend_from_slice(&part[..taken]);
        } else {
            too_long = true;
        }
        reader.consume(taken);
        if end.is_some() {
            if line == b"\0\n" {
                break;
            }
            finish(&mut lines, &mut line, &mut too_long);
        }
    }
    remove(&path);
    lines
}

fn finish(lines: &mut ReportLines, line: &mut Vec<u8>, too_long: &mut bool) {
    let text = String::from_utf8_lossy(line);
    if *too_long {
        lines.complain(&text, "longer than 512 KiB");
    } else {
        lines.line(&text);
    }
    line.clear();
    *too_long = false;
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(path = %path.as_os_str().as_bytes().escape_ascii(), %error, "could not remove a report file");
    }
}
