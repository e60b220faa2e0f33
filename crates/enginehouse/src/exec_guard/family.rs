//! A command and every process that descends from it: how they are waited for, and ended.

use std::fs;
use std::io;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, wait, waitid,
};

use super::protocol::GuardReply;

/// What becomes of the family.
pub(super) enum FamilyChange {
    CommandEnded(GuardReply),
    /// A process whose parent had ended before it.
    OrphanEnded,
    NobodyLeft,
}

/// A command and its descendants.
#[derive(Debug)]
pub(super) struct Family {
    command: Pid,
    /// Whether the command was reaped. While this is locked no process is: a number that was read stays that of the process.
    is_reaped: Mutex<bool>,
}

/// Descendants whose parent ends become children of this process from now on.
pub(super) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

impl Family {
    pub(super) fn of(child: &Child) -> Self {
        Self { command: Pid::from_child(child), is_reaped: Mutex::new(false) }
    }

    /// Asks the command and its group to end.
    pub(super) fn terminate(&self) {
        self.signal_group(&self.is_reaped(), Signal::TERM);
    }

    /// Kills the group and all children. Their children become ours, so this is repeated with each that ends.
    pub(super) fn kill(&self) {
        let is_reaped = self.is_reaped();
        self.signal_group(&is_reaped, Signal::KILL);
        for child in children() {
            // One that belongs to another user cannot be killed: the guard gives up on it after a while.
            kill_process(child, Signal::KILL).ok();
        }
    }

    fn signal_group(&self, is_reaped: &bool, signal: Signal) {
        if !is_reaped {
            // The group may consist of a command that has just ended.
            kill_process_group(self.command, signal).ok();
        }
    }

    /// Waits for one after the other, until none is left or nobody listens.
    pub(super) fn reap(&self, mut report: impl FnMut(FamilyChange) -> bool) {
        loop {
            // Only looks: to reap it takes the lock.
            match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(Errno::INTR) => continue,
                Err(_) => {
                    report(FamilyChange::NobodyLeft);
                    return;
                }
                Ok(_) => {}
            }
            let change = {
                let mut is_reaped = self.is_reaped();
                if cfg!(not(target_os = "linux")) {
                    // Nothing else finds what the command has left in its group.
                    self.signal_group(&is_reaped, Signal::KILL);
                }
                let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) else { continue };
                *is_reaped |= ended == self.command;
                match (ended == self.command, status.exit_status(), status.terminating_signal()) {
                    (true, Some(code), _) => FamilyChange::CommandEnded(GuardReply::Exited { code }),
                    (true, None, signal) => {
                        FamilyChange::CommandEnded(GuardReply::Signalled { signal: signal.unwrap_or_default() })
                    }
                    (false, ..) => FamilyChange::OrphanEnded,
                }
            };
            if !report(change) {
                return;
            }
        }
    }

    fn is_reaped(&self) -> MutexGuard<'_, bool> {
        self.is_reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The children of this process, those that it was given included. None where there is no `/proc`.
fn children() -> Vec<Pid> {
    let this = rustix::process::getpid();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name before it may hold spaces and parentheses. Then: the state, and the parent.
            let parent = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?;
            (parent.parse() == Ok(this.as_raw_nonzero().get())).then_some(pid)
        })
        .collect()
}
