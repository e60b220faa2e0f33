//! The one place that reads a clock, and the time of a store, which is made from it.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use enginehouse_core::time::Timestamp;

/// A wall clock, which may be set, and a monotonic clock.
pub trait Clock: Send + Sync {
    /// The time of the machine. May jump in either direction.
    fn wall(&self) -> Timestamp;
    /// The time since some start. Never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that a test sets.
#[derive(Debug)]
pub struct ManualClock {
    /// The wall clock and the monotonic clock.
    readings: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that stands at `wall`.
    pub fn at(wall: Timestamp) -> Self {
        Self { readings: Mutex::new((wall, Duration::ZERO)) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut readings = self.readings.lock().expect("no test panics while it sets the clock");
        *readings = (readings.0 + by, readings.1 + by);
    }

    /// Sets the wall clock alone, as an operator does.
    pub fn set_wall(&self, wall: Timestamp) {
        self.readings.lock().expect("no test panics while it sets the clock").0 = wall;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.readings.lock().expect("no test panics while it sets the clock").0
    }

    fn monotonic(&self) -> Duration {
        self.readings.lock().expect("no test panics while it sets the clock").1
    }
}

/// How far the wall clock may be ahead of the store's time before that counts as a jump.
pub const JUMP: Duration = Duration::from_secs(5);

/// A store's time: it follows the wall clock and never goes back.
///
/// While the wall clock is behind (somebody set it back), the store's time goes on with the monotonic clock, at half its
/// speed, so that waits still end and the wall clock catches up. When the wall clock is far ahead (somebody set it, or the
/// machine slept), the time jumps, and the reading says so.
#[derive(Debug)]
pub struct StoreTime {
    now: Timestamp,
    read_at: Duration,
    /// Whether it was not read yet.
    first: bool,
}

/// One reading of a store's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub now: Timestamp,
    /// Whether it jumped since the reading before.
    pub jumped: bool,
}

impl StoreTime {
    /// Goes on from `last`, the latest time that the store has seen, or from now if that is later.
    pub fn resume(last: Timestamp, clock: &dyn Clock) -> Self {
        Self { now: clock.wall().max(last), read_at: clock.monotonic(), first: false }
    }

    /// Goes on from `last`. The first reading is not a jump, whatever the wall clock says.
    pub(crate) fn begin(last: Timestamp, monotonic: Duration) -> Self {
        Self { now: last, read_at: monotonic, first: true }
    }

    /// The last reading.
    pub(crate) const fn last(&self) -> Timestamp {
        self.now
    }

    pub fn read(&mut self, clock: &dyn Clock) -> Reading {
        self.read_at(clock.wall(), clock.monotonic())
    }

    /// Reads the time from readings of a wall clock and a monotonic clock.
    pub(crate) fn read_at(&mut self, wall: Timestamp, monotonic: Duration) -> Reading {
        if std::mem::take(&mut self.first) && wall > self.now {
            self.now = wall;
            self.read_at = monotonic;
            return Reading { now: wall, jumped: false };
        }
        let elapsed = monotonic.saturating_sub(self.read_at);
        let expected = self.now + elapsed;
        let jumped = wall.since(expected) > JUMP;
        if wall >= expected {
            self.now = wall;
            self.read_at = monotonic;
        } else if wall + JUMP >= expected {
            // The clocks differ by a rounding or a small correction: stand still until the wall clock is there.
            let next = wall.max(self.now);
            self.now = next;
            self.read_at = monotonic;
        } else {
            // Whole milliseconds only, so that many readings in one millisecond lose nothing.
            let half = Duration::from_millis(u64::try_from(elapsed.as_millis() / 2).unwrap_or(u64::MAX));
            self.now = self.now + half;
            self.read_at += half * 2;
        }
        Reading { now: self.now, jumped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> (ManualClock, StoreTime) {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let time = StoreTime::resume(Timestamp::MIN, &clock);
        (clock, time)
    }

    #[test]
    fn it_follows_the_wall_clock() {
        let (clock, mut time) = start();
        clock.advance(Duration::from_secs(3_600));
        let want = Reading { now: Timestamp::from_millis(4_600_000), jumped: false };
        assert_eq!(time.read(&clock), want);
    }

    #[test]
    fn a_wall_clock_set_ahead_is_a_jump() {
        let (clock, mut time) = start();
        clock.set_wall(Timestamp::from_millis(1_005_000));
        assert!(!time.read(&clock).jumped, "5 s may be a correction");
        clock.set_wall(Timestamp::from_millis(1_010_001));
        assert!(time.read(&clock).jumped);
        assert!(!time.read(&clock).jumped, "reported once");
    }

    #[test]
    fn a_wall_clock_set_back_slows_it_but_never_turns_it_back() {
        let (clock, mut time) = start();
        clock.set_wall(Timestamp::from_millis(400_000));
        let mut last = time.read(&clock).now;
        for _ in 0..1_000 {
            clock.advance(Duration::from_millis(1));
            let now = time.read(&clock).now;
            assert!(now >= last);
            last = now;
        }
        assert_eq!(last, Timestamp::from_millis(1_000_500), "half a second in one");
        clock.advance(Duration::from_secs(1_300));
        let now = time.read(&clock).now;
        assert!(now.since(clock.wall()) <= JUMP || now == clock.wall(), "the wall clock has caught up: {now}");
    }

    #[test]
    fn a_store_never_opens_earlier_than_it_was_closed() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000));
        let mut time = StoreTime::resume(Timestamp::from_millis(90_000), &clock);
        assert_eq!(time.read(&clock).now, Timestamp::from_millis(90_000));
        clock.advance(Duration::from_secs(10));
        assert_eq!(time.read(&clock).now, Timestamp::from_millis(95_000));
    }
}
