//! `cargo xtask test`: builds everything, runs every test, and counts them.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ExitCode, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use enginehouse_cluster::{Cluster, SHARED_SETTINGS, VARIABLE};

use crate::process::{command, run as run_program};
use crate::{orphans, tidy, tools};

/// How long output may still come once `cargo test` has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How many tests passed and failed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TestCounts {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Suites that have begun and not yet said how they ended.
    open_suites: u64,
}

/// The last line on stdout says how many passed and failed, whatever happened before.
pub(crate) fn run() -> ExitCode {
    let mut counts = TestCounts::default();
    if let Err(error) = run_all(&mut counts) {
        eprintln!("error: {error:#}");
        counts.failed = counts.failed.max(1);
    }
    if counts.ignored > 0 {
        println!("{} tests are marked to be ignored", counts.ignored);
    }
    println!("{counts}");
    if counts.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(counts: &mut TestCounts) -> Result<()> {
    tools::ensure(tools::OF_TESTS)?;
    // Tests make packages and try them.
    tools::ensure(tools::OF_PACKAGES)?;
    let untidy = count_tidy(counts);
    // Whole-system tests run the binary that lies beside their own folder, so it is built before any test.
    // `--workspace` gives dependencies the features that the tests build them with: they are built once.
    run_program(&["cargo", "build", "--workspace", "--bin", "enginehouse"])
        .context("the binary does not build, so no test was run")?;
    count_suites(counts)?;
    untidy
}

/// Each check is a test.
fn count_tidy(counts: &mut TestCounts) -> Result<()> {
    let reports = tidy::check_repository()?;
    for report in &reports {
        println!("{report}");
        if report.passed() {
            counts.passed += 1;
        } else {
            counts.failed += 1;
        }
    }
    Ok(())
}

fn count_suites(counts: &mut TestCounts) -> Result<()> {
    let postgres = postgres()?;
    let line = ["cargo", "test", "--workspace", "--no-fail-fast"];
    eprintln!("$ {}", line.join(" "));
    let mut tests = command(&line);
    let mark = orphans::mark();
    tests.env(orphans::VARIABLE, &mark);
    if let Some(postgres) = &postgres {
        tests.env(VARIABLE, postgres.url("postgres"));
    }
    let mut child = tests.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run `cargo test`")?;
    let output = child.stdout.take().expect("stdout was asked for");
    let counted = CountedOutput::from(output, std::io::stdout());
    let status = child.wait().context("cannot wait for `cargo test`")?;
    let suites = counted.finish();
    counts.add(suites);
    for orphan in orphans::of(&mark) {
        eprintln!("error: a test has left a process behind: {orphan}");
        counts.failed += 1;
    }
    if suites.failed == 0 && !status.success() {
        bail!("`cargo test` ended with {status}: see above for what did not build or run");
    }
    if suites.passed + suites.failed == 0 {
        bail!("no test ran, so nothing is known");
    }
    Ok(())
}

/// One server for the tests of all crates, each with databases of its own, instead of one for each test program. It
/// goes when this is dropped. None, if whoever runs the tests names a server.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests may name a server for them")]
fn postgres() -> Result<Option<Cluster>> {
    if std::env::var_os(VARIABLE).is_some_and(|url| !url.is_empty()) {
        return Ok(None);
    }
    Cluster::try_start_with(SHARED_SETTINGS).map(Some).context("PostgreSQL does not start, so no test was run")
}

/// Output that is passed on and counted by a thread of its own.
struct CountedOutput {
    counts: Arc<Mutex<TestCounts>>,
    ended: mpsc::Receiver<()>,
}

impl CountedOutput {
    fn from(output: impl Read + Send + 'static, mut shown: impl Write + Send + 'static) -> Self {
        let counts = Arc::<Mutex<TestCounts>>::default();
        let (ending, ended) = mpsc::channel();
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                // Even if nobody reads along, the tests are still to be counted.
                let _ = shown.write_all(&line).and_then(|()| shown.write_all(b"\n"));
                shared.lock().expect("no thread panics with it").read(&String::from_utf8_lossy(&line));
            }
            // The receiver is gone once it has stopped waiting.
            let _ = ending.send(());
        });
        Self { counts, ended }
    }

    /// Waits for the end of the output, but not for a process that a test has left behind with it.
    fn finish(self) -> TestCounts {
        if self.ended.recv_timeout(LAST_WORDS).is_err() {
            eprintln!("warning: a process that a test has started is still there and holds its output open");
        }
        self.counts.lock().expect("no thread panics with it").closed()
    }
}

impl TestCounts {
    /// Reads one line of what `cargo test` writes to stdout.
    fn read(&mut self, line: &str) {
        if is_beginning(line) {
            self.open_suites += 1;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.open_suites = self.open_suites.saturating_sub(1);
            self.passed += count_before(result, " passed");
            self.failed += count_before(result, " failed");
            self.ignored += count_before(result, " ignored");
        }
    }

    /// A suite that has not said how it ended was killed, or has ended the process: that is a failure.
    fn closed(self) -> Self {
        Self { failed: self.failed + self.open_suites, open_suites: 0, ..self }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.open_suites += other.open_suites;
    }

    fn is_success(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for TestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// `running 12 tests`, or `running 1 test`.
fn is_beginning(line: &str) -> bool {
    line.strip_prefix("running ")
        .and_then(|rest| rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test")))
        .is_some_and(|count| count.parse::<u64>().is_ok())
}

/// The number before a word, as in `ok. 3 passed; 1 failed; …`; 0 if there is none.
fn count_before(result: &str, word: &str) -> u64 {
    result
        .split([';', '.'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .find_map(|count| count.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_suites_are_summed() {
        let counts = read(&[
            "running 3 tests",
            "test retry::waits ... ok",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "",
            "running 4 tests",
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ]);
        assert_eq!(counts, TestCounts { passed: 4, failed: 2, ignored: 1, open_suites: 0 });
        assert_eq!(counts.to_string(), "4 passed, 2 failed");
        assert!(!counts.is_success());
    }

    #[test]
    fn a_suite_that_does_not_say_how_it_ended_has_failed() {
        let counts = read(&["running 1 test", "running 2 tests", "test result: ok. 2 passed; 0 failed; 0 ignored"]);
        assert_eq!(counts, TestCounts { passed: 2, failed: 1, ..TestCounts::default() });
    }

    #[test]
    fn nothing_run_is_no_success() {
        assert!(!read(&["running 0 tests", "test result: ok. 0 passed; 0 failed; 0 ignored"]).is_success());
        assert!(!read(&[]).is_success());
    }

    #[test]
    fn what_a_test_says_is_not_a_result() {
        let counts = read(&["running late", "the test result: ok. 9 passed", "running 1 test of the pump"]);
        assert_eq!(counts, TestCounts::default());
    }

    #[test]
    fn output_is_counted_to_its_end() {
        let output = "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored\n";
        let counted = CountedOutput::from(std::io::Cursor::new(output), std::io::sink());
        assert_eq!(counted.finish(), TestCounts { passed: 1, ..TestCounts::default() });
    }

    fn read(lines: &[&str]) -> TestCounts {
        let mut counts = TestCounts::default();
        for line in lines {
            counts.read(line);
        }
        counts.closed()
    }
}
