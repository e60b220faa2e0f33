//! The pulse of the process: a thread that does nothing but look at the clock, so that a time in which nothing ran is noticed.
//!
//! A process that was stopped, or got no processor, does not see the time pass: it goes on with the next instruction, and
//! every deadline is over. Engines may have sent heartbeats meanwhile, which lie in sockets. So before anything is
//! declared due, somebody must ask how long the process has stood still. The dispatcher's thread cannot tell by
//! itself: it stands still in each long transaction, while requests are read and wait in its inbox.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::timers::{Timer, rest};

/// How often the thread looks.
const BEAT: Duration = Duration::from_millis(100);
/// How long after a beat the process must have stood still. A busy machine is late by less.
const STALL: Duration = Duration::from_millis(250);

/// A time in which the process stood still, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stall {
    /// For how long, in all.
    pub(super) length: Duration,
    /// When the last of them ended.
    pub(super) ended_at: Instant,
}

/// Knows whether the process has run all the time.
#[derive(Debug)]
pub struct Pulse(Mutex<Beats>);

#[derive(Debug)]
struct Beats {
    /// The last beat; none if nobody beats, and stalls are only reported.
    last: Option<Instant>,
    stall: Option<Stall>,
}

impl Pulse {
    /// Starts the thread. It ends when nobody asks for the pulse any more.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start() -> io::Result<Arc<Self>> {
        let pulse = Arc::new(Self(Mutex::new(Beats { last: Some(Timer::now()), stall: None })));
        let weak = Arc::downgrade(&pulse);
        std::thread::Builder::new().name("enginehouse-pulse".to_owned()).spawn(move || beat(&weak))?;
        Ok(pulse)
    }

    /// A pulse that only knows what is reported to it: for tests, which move the clock themselves.
    pub fn without_thread() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Beats { last: None, stall: None })))
    }

    fn beats(&self) -> MutexGuard<'_, Beats> {
        // Nobody panics while holding it, and if somebody did, the beats are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that the process has stood still for so long, until now.
    pub fn stalled(&self, length: Duration) {
        self.beats().note(length, Timer::now());
    }

    /// For how long the process has stood still since this was asked last. What ended just now counts: whoever asks may run
    /// before the thread does.
    pub(super) fn take_stall(&self) -> Option<Stall> {
        let mut beats = self.beats();
        beats.beat(Timer::now());
        beats.stall.take()
    }
}

impl Beats {
    fn beat(&mut self, now: Instant) {
        let Some(last) = self.last else { return };
        self.last = Some(now);
        let silence = now.saturating_duration_since(last);
        if silence > STALL {
            self.note(silence, now);
        }
    }

    fn note(&mut self, length: Duration, ended_at: Instant) {
        let before = self.stall.map_or(Duration::ZERO, |stall| stall.length);
        self.stall = Some(Stall { length: before + length, ended_at });
    }
}

fn beat(pulse: &Weak<Pulse>) {
    while let Some(pulse) = pulse.upgrade() {
        pulse.beats().beat(Timer::now());
        drop(pulse);
        rest(BEAT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_beat_that_is_missing_is_a_stall_and_its_length_is_the_gap() {
        let start = Timer::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut beats = Beats { last: Some(start), stall: None };
        for millis in [100, 200, 300, 550] {
            beats.beat(at(millis));
        }
        assert_eq!(beats.stall, None, "late, but not still");
        beats.beat(at(1_050));
        assert_eq!(beats.stall, Some(Stall { length: Duration::from_millis(500), ended_at: at(1_050) }));
        beats.beat(at(1_100));
        beats.beat(at(61_100));
        assert_eq!(beats.stall, Some(Stall { length: Duration::from_millis(60_500), ended_at: at(61_100) }));
    }
}
