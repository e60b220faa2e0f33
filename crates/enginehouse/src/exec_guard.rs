//! The hidden `enginehouse exec-guard`: a small process between an engine and one command of it.
//!
//! An engine may end in any way, `kill -9` included, and then somebody else is given its event: the command must not go on.
//! Nothing that the engine does itself can promise that, so each command has a guard, which stays with it:
//!
//! - Its stdin is a socket, whose other end only the engine has. The kernel closes that end however the engine ends, and
//!   the guard then kills what it guards.
//! - The command has a process group of its own. On Linux the guard is also its *subreaper*: a process whose parent has
//!   ended becomes a child of the guard, whatever group or session it has moved to. So the guard is done once it
//!   has no children, and nothing that the command started outlives it.
//!
//! Why not a parent-death signal alone: it reaches the command but not the command's children, and it comes when the thread
//! that started the command ends, which may be before the process does. On systems other than Linux there is no subreaper,
//! and the guard kills the command's process group.
//!
//! The guard runs before the command line is parsed and without a runtime: an engine starts one for each event.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use self::family::{Family, FamilyChange};
use self::protocol::{GuardArgs, GuardReply, TERMINATE};

mod family;
pub(crate) mod protocol;

/// How long what a command leaves running may take to end by itself: `tee` at the end of a pipe, say.
const LEFTOVERS: Duration = Duration::from_secs(2);
/// How long after SIGKILL to wait for a process that the kernel does not let go, or that belongs to somebody else.
const GIVE_UP: Duration = Duration::from_secs(2);

/// What the guard reacts to.
enum GuardWake {
    /// The engine asks for the command's end.
    Terminate,
    /// The engine has ended, or wants no answer any more.
    EngineGone,
    Family(FamilyChange),
}

/// Guards one command, if that is what this process was started for.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let arguments = GuardArgs::of_process(std::env::args_os().skip(1))?;
    Some(match guard(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The engine, which reads this, may have ended.
            writeln!(io::stderr(), "error: a command is not guarded: {error}").ok();
            ExitCode::FAILURE
        }
    })
}

fn guard(arguments: GuardArgs) -> io::Result<()> {
    name_process();
    let mut engine = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut payload = vec![0; arguments.payload_bytes];
    match engine.read_exact(&mut payload) {
        // The engine has ended before its command began.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
        read => read?,
    }
    family::adopt_orphans()?;
    let listening = engine.try_clone()?;
    let (program, rest) = arguments.command.split_first().ok_or_else(|| io::Error::other("no command is given"))?;
    let mut child = match start(program, rest) {
        Ok(child) => child,
        Err(error) => {
            let os_error = error.raw_os_error().unwrap_or_default();
            return engine.write_all(GuardReply::NotStarted { os_error }.to_string().as_bytes());
        }
    };
    // From here on nothing may end the guard before the command. An engine that has just ended is noticed below.
    drop(engine.write_all(GuardReply::Started { process_id: child.id() }.to_string().as_bytes()));
    if let Some(stdin) = child.stdin.take() {
        thread::spawn(move || feed(stdin, &payload));
    }
    let (wakes, woken) = mpsc::channel();
    let family = Arc::new(Family::of(&child));
    let reaping = (Arc::clone(&family), wakes.clone());
    thread::spawn(move || reaping.0.reap(|change| reaping.1.send(GuardWake::Family(change)).is_ok()));
    thread::spawn(move || listen(listening, &wakes));

    let mut end = None;
    let mut is_killing = false;
    let mut deadline = None;
    loop {
        let wake = match deadline {
            None => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => woken.recv_timeout(remaining(deadline)),
        };
        match wake {
            Ok(GuardWake::Terminate) => {
                family.terminate();
                deadline = Some(after(arguments.kill_after));
            }
            Ok(GuardWake::Family(FamilyChange::CommandEnded(reply))) => {
                end = Some(reply);
                deadline = deadline.or_else(|| Some(after(LEFTOVERS)));
            }
            Ok(GuardWake::Family(FamilyChange::OrphanEnded)) => {
                if is_killing {
                    // Its own children are ours from now on.
                    family.kill();
                }
            }
            Ok(GuardWake::EngineGone) | Err(RecvTimeoutError::Timeout) if !is_killing => {
                is_killing = true;
                family.kill();
                deadline = Some(after(GIVE_UP));
            }
            Ok(GuardWake::EngineGone) => {}
            Ok(GuardWake::Family(FamilyChange::NobodyLeft))
            | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Some(end) = end {
        // An engine that has ended reads no answer.
        let used = used().map_or_else(String::new, |used| used.to_string());
        drop(engine.write_all(format!("{used}{end}").as_bytes()));
    }
    drop(engine.shutdown(Shutdown::Both));
    Ok(())
}

fn start(program: &OsString, rest: &[OsString]) -> io::Result<std::process::Child> {
    // A group of its own: a signal for the command's group does not reach the guard.
    Command::new(program).args(rest).stdin(Stdio::piped()).process_group(0).spawn()
}

/// What the command and its descendants have used: each was waited for by its parent, or by the guard as its subreaper. Of memory
/// it is what the largest of them had.
fn used() -> Option<GuardReply> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let ms = |time: nix::sys::time::TimeVal| u64::try_from(time.num_milliseconds()).unwrap_or(0);
    let cpu_ms = ms(usage.user_time()) + ms(usage.system_time());
    let max_rss = u64::try_from(usage.max_rss()).unwrap_or(0);
    // Apple counts bytes.
    let max_memory_kb = if cfg!(target_vendor = "apple") { max_rss / 1024 } else { max_rss };
    Some(GuardReply::Used { cpu_ms, max_memory_kb })
}

/// Hands the command its payload. It need not read it: then the pipe breaks, and that is its own affair.
fn feed(mut stdin: ChildStdin, payload: &[u8]) {
    drop(stdin.write_all(payload));
}

/// Waits for what the engine has to say, or for its end.
fn listen(mut engine: UnixStream, wakes: &Sender<GuardWake>) {
    let mut byte = [0];
    loop {
        match engine.read(&mut byte) {
            Ok(1..) if byte == [TERMINATE] => drop(wakes.send(GuardWake::Terminate)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                // The guard has ended by itself if it does not receive this.
                drop(wakes.send(GuardWake::EngineGone));
                return;
            }
        }
    }
}

/// Lists of processes show the file's name, which is `exe` where a process starts itself again.
fn name_process() {
    #[cfg(target_os = "linux")]
    // A name is for people who look.
    rustix::thread::set_name(c"enginehouse").ok();
}

#[expect(clippy::disallowed_methods, reason = "a guard has no store and no timers: it limits its own patience")]
fn after(wait: Duration) -> Instant {
    Instant::now() + wait
}

#[expect(clippy::disallowed_methods, reason = "a guard has no store and no timers: it limits its own patience")]
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
