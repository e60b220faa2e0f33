//! What the kernel says of processes that are not our children.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process as it was when looked at.
struct Seen {
    pid: u32,
    parent: u32,
    state: char,
}

/// Reads `/proc/*/stat`. A process that has just ended is left out.
fn look(pid: u32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may itself hold any character.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some(Seen { pid, parent: words.next()?.parse().ok()?, state })
}

/// Whether it runs, or could. One that has ended and that its parent has not asked about does not.
pub(crate) fn is_running(pid: u32) -> bool {
    look(pid).is_some_and(|seen| !matches!(seen.state, 'Z' | 'X'))
}

/// Whether it is halted by a signal.
pub(crate) fn is_halted(pid: u32) -> bool {
    look(pid).is_some_and(|seen| seen.state == 'T')
}

/// The processes that it has started and that run.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(look).filter(|seen| seen.parent == parent && seen.state != 'Z').map(|seen| seen.pid).collect()
}

/// Sends a signal. One that has ended needs none.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal).ok();
    }
}
