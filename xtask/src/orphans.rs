//! Processes that tests have left behind: each of them is a failure.

use std::fs;
use std::thread;
use std::time::Duration;

/// The variable that marks all processes of one run: it is inherited by whatever a test starts.
pub(crate) const VARIABLE: &str = "ENGINEHOUSE_TEST_RUN";

/// How often to look, and how long to wait in between. A server of a test program that has just ended may be about to.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The mark of this run.
pub(crate) fn mark() -> String {
    std::process::id().to_string()
}

/// The command lines of processes that bear the mark and do not end by themselves. None where there is no `/proc`.
#[expect(clippy::disallowed_methods, reason = "processes that are not ours can only be looked at again")]
pub(crate) fn of(mark: &str) -> Vec<String> {
    let mark = format!("{VARIABLE}={mark}");
    let mut found = look(&mark);
    for _ in 1..LOOKS {
        if found.is_empty() {
            break;
        }
        thread::sleep(BETWEEN_LOOKS);
        found = look(&mark);
    }
    found
}

fn look(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).find(|variable| *variable == mark.as_bytes())?;
            // A process that has ended and that nobody waits for has none.
            let command = fs::read(entry.path().join("cmdline")).ok().filter(|command| !command.is_empty())?;
            let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
            Some(format!("{command} ({pid})"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_found_by_its_mark_as_long_as_it_runs() {
        let mark = format!("{VARIABLE}=of-this-test");
        let mut child = Command::new("cat")
            .env(VARIABLE, "of-this-test")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat is there");
        // A process that has just begun to be another program shows nothing of it for a moment.
        let found = (0..100_000).map(|_| look(&mark)).find(|found| !found.is_empty());
        assert_eq!(found, Some(vec![format!("cat ({})", child.id())]));
        assert!(look(&format!("{VARIABLE}=of-this")).is_empty());
        drop(child.stdin.take());
        child.wait().expect("cat ends");
        assert!(look(&mark).is_empty());
    }
}
