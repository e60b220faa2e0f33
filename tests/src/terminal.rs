//! A command on a terminal of its own: what it shows there, and what is typed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::{LIMIT, command};

const ROWS: u16 = 50;

/// Killed when dropped.
pub struct OnTerminal {
    child: Child,
    keyboard: File,
    /// What comes from the terminal, piece by piece; the end of the channel is the end of the command.
    pieces: mpsc::Receiver<Vec<u8>>,
    shown: Vec<u8>,
    /// What somebody sees who looks at it.
    screen: vt100::Parser,
}

impl OnTerminal {
    /// Starts a command of the binary on a terminal of so many columns.
    ///
    /// # Panics
    /// The system gives no terminal.
    pub fn start<A: AsRef<OsStr>>(url: &str, arguments: impl IntoIterator<Item = A>, columns: u16) -> Self {
        let mut command = command(arguments);
        command.env("ENGINEHOUSE_URL", url);
        Self::with(command, columns)
    }

    /// The same, by a command that is prepared.
    ///
    /// # Panics
    /// The system gives no terminal.
    pub fn with(mut command: Command, columns: u16) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there is a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("it may be opened");
        tcsetwinsize(&terminal, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("it has a size");
        let name = ptsname(&terminal, Vec::new()).expect("it has a name");
        let path = std::path::PathBuf::from(name.into_string().expect("its name is a path"));
        let side = || -> OwnedFd { File::options().read(true).write(true).open(&path).expect("it is there").into() };
        let child = command
            .stdin(Stdio::from(side()))
            .stdout(Stdio::from(side()))
            .stderr(Stdio::from(side()))
            .spawn()
            .expect("the binary starts");
        let keyboard = File::from(terminal);
        let mut output = keyboard.try_clone().expect("it can be read");
        let (sender, pieces) = mpsc::channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            // Reading fails once the command has ended.
            while let Ok(length @ 1..) = output.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let size = |of| NonZero::new(of).expect("a terminal has a size");
        let screen = vt100::Parser::new(size(ROWS), size(columns), 0);
        Self { child, keyboard, pieces, shown: Vec::new(), screen }
    }

    /// Waits until the terminal has shown a text, and answers with all that it has shown.
    ///
    /// # Panics
    /// It is not shown in time.
    pub fn shows(&mut self, text: &str) -> String {
        #[expect(clippy::disallowed_methods, reason = "a test's limit")]
        let began = std::time::Instant::now();
        while !crate::text(&self.shown).contains(text) {
            let piece = self.pieces.recv_timeout(LIMIT.saturating_sub(began.elapsed()));
            let piece = piece.unwrap_or_else(|_| panic!("{text:?} is not in {:?}", crate::text(&self.shown)));
            self.take(&piece);
        }
        crate::text(&self.shown)
    }

    /// Waits until a text is to be seen on the screen, however it was put there.
    ///
    /// # Panics
    /// It is not to be seen in time.
    pub fn pictures(&mut self, text: &str) -> String {
        #[expect(clippy::disallowed_methods, reason = "a test's limit")]
        let began = std::time::Instant::now();
        loop {
            let seen = self.screen.screen().contents();
            if seen.contains(text) {
                return seen;
            }
            let piece = self.pieces.recv_timeout(LIMIT.saturating_sub(began.elapsed()));
            let piece = piece.unwrap_or_else(|_| panic!("{text:?} is not to be seen:\n{seen}"));
            self.take(&piece);
        }
    }

    fn take(&mut self, piece: &[u8]) {
        self.screen.process(piece);
        self.shown.extend(piece);
    }

    /// # Panics
    /// The terminal is gone.
    pub fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal is there");
    }

    /// Waits until the command has ended, and answers its exit status and all that it has shown, with `\n` for `\r\n`.
    ///
    /// # Panics
    /// It does not end in time.
    pub fn ended(mut self) -> (Option<i32>, String) {
        loop {
            match self.pieces.recv_timeout(LIMIT) {
                Ok(piece) => self.take(&piece),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the command goes on: {}", crate::text(&self.shown)),
            }
        }
        let status = self.child.wait().expect("it has ended");
        (status.code(), crate::text(&self.shown).replace("\r\n", "\n"))
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // Most have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
