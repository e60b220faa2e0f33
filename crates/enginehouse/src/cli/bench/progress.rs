//! What a bench shows while it runs: a line a second on stderr, if that is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use super::super::output::note;
use super::figures::{SecondFigures, Timed};
use super::numbers::{milliseconds, thousands};

#[derive(Clone, Copy, Debug)]
pub(super) struct BenchProgress {
    is_shown: bool,
}

impl BenchProgress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { is_shown: !quiet && std::io::stderr().is_terminal() }
    }

    pub(super) fn say(self, text: &str) {
        if self.is_shown {
            note(text);
        }
    }

    pub(super) fn header(self, headline: Timed) {
        let of = super::report::title(headline);
        self.say(&format!("   time  enqueued/s  completed/s     backlog      p50 ms      p99 ms  errors   ({of})"));
    }

    pub(super) fn line(self, at: Duration, second: &SecondFigures, is_warm_up: bool) {
        self.say(&line(at, second, is_warm_up));
    }
}

fn line(at: Duration, second: &SecondFigures, is_warm_up: bool) -> String {
    let (p50, p99) = match second.p50_and_p99 {
        Some((p50, p99)) => (milliseconds(p50), milliseconds(p99)),
        None => ("-".to_owned(), "-".to_owned()),
    };
    format!(
        "{:>5} s  {:>10}  {:>11}  {:>10}  {p50:>10}  {p99:>10}  {:>6}{}",
        at.as_secs(),
        thousands(second.events.enqueued),
        thousands(second.events.completed),
        thousands(second.backlog),
        thousands(second.errors),
        if is_warm_up { "   warm-up" } else { "" }
    )
}

#[cfg(test)]
mod tests {
    use super::super::figures::EventCount;
    use super::*;

    #[test]
    fn a_line_stands_under_its_header() {
        let second = SecondFigures {
            events: EventCount { enqueued: 12_345, completed: 9 },
            errors: 0,
            backlog: 12_336,
            p50_and_p99: Some((1.234, 1_234.0)),
        };
        assert_eq!(
            line(Duration::from_secs(7), &second, false),
            "    7 s      12,345            9      12,336        1.23       1,234       0"
        );
        assert!(line(Duration::ZERO, &SecondFigures::default(), true).ends_with("-           -       0   warm-up"));
    }
}
