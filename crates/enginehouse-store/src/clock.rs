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

/// How far ahead a jump must lead to be a leap: nobody corrects a clock by so much. Either it was wrong before, or it is now.
pub const LEAP: Duration = Duration::from_secs(3_600);
/// While the wall clock is behind, the store's time loses one of so many milliseconds.
const SLOWED_BY: u32 = 16;

/// A store's time: it follows the wall clock and never goes back.
///
/// While the wall clock is behind (somebody set it back), the store's time goes on with the monotonic clock, a little slower, so
/// that waits end when they should and the wall clock catches up nevertheless. When the wall clock is far ahead (somebody set
/// it, or the machine slept), the time jumps, and the reading says so.
#[derive(Debug)]
pub struct StoreTime {
    now: Timestamp,
    read_at: Duration,
    /// Before the first reading: how much later the store may have been than `now`.
    unread: Option<Duration>,
    /// It leapt before it was read.
    leapt: bool,
}

/// One reading of a store's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub now: Timestamp,
    /// Whether it jumped since the reading before.
    pub jumped: bool,
    /// Whether it jumped by more than [`LEAP`], while the store was closed or open.
    pub leapt: bool,
}

impl StoreTime {
    /// Goes on from `last`, which the store has not come behind, or from now if that is later.
    pub fn resume(last: Timestamp, clock: &dyn Clock) -> Self {
        let wall = clock.wall();
        let now = wall.max(last);
        Self { now, read_at: clock.monotonic(), unread: None, leapt: is_leap(last, wall) }
    }

    /// Goes on from `last`, or from the first reading of the wall clock if that is later: then it is not a jump. If it is
    /// earlier, the clock was set back, and the store may have come further than `last` by `unnoted`.
    pub(crate) fn begin(last: Timestamp, unnoted: Duration, monotonic: Duration) -> Self {
        Self { now: last, read_at: monotonic, unread: Some(unnoted), leapt: false }
    }

    /// The last reading.
    pub(crate) const fn last(&self) -> Timestamp {
        self.now
    }

    pub fn read(&mut self, clock: &dyn Clock) -> Reading {
        self.read_at(clock.wall(), clock.monotonic())
    }

    /// Reads the time from a monotonic clock alone, for one who has just read it and then had to wait.
    pub(crate) fn read_on(&mut self, monotonic: Duration) -> Timestamp {
        self.read_at(self.now + monotonic.saturating_sub(self.read_at), monotonic).now
    }

    /// Reads the time from readings of a wall clock and a monotonic clock.
    pub(crate) fn read_at(&mut self, wall: Timestamp, monotonic: Duration) -> Reading {
        let mut leapt = std::mem::take(&mut self.leapt);
        if let Some(unnoted) = self.unread.take() {
            leapt |= is_leap(self.now, wall);
            self.now = if wall >= self.now { wall } else { self.now + unnoted };
            self.read_at = monotonic;
            return Reading { now: self.now, jumped: false, leapt };
        }
        let elapsed = monotonic.saturating_sub(self.read_at);
        let ahead = wall.since(self.now + elapsed);
        // Whole steps only, so that many readings in one step lose nothing.
        let steps = u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX) / SLOWED_BY;
        let slowed = self.now + Duration::from_millis(1) * (SLOWED_BY - 1) * steps;
        if wall >= slowed {
            self.now = wall;
            self.read_at = monotonic;
        } else {
            self.now = slowed;
            self.read_at += Duration::from_millis(1) * SLOWED_BY * steps;
        }
        Reading { now: self.now, jumped: ahead > JUMP, leapt: leapt || ahead > LEAP }
    }
}

/// Whether a store that was last at `last`, if ever, comes much later to `now`.
fn is_leap(last: Timestamp, now: Timestamp) -> bool {
    last > Timestamp::from_millis(0) && now.since(last) > LEAP
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
        let want = Reading { now: Timestamp::from_millis(4_600_000), jumped: false, leapt: false };
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
    fn a_jump_by_hours_is_a_leap_also_while_the_store_is_closed() {
        let (clock, mut time) = start();
        clock.set_wall(Timestamp::from_millis(1_000_000) + LEAP);
        assert!(!time.read(&clock).leapt);
        clock.set_wall(clock.wall() + LEAP * 2);
        assert!(time.read(&clock).leapt);
        assert!(!time.read(&clock).leapt, "reported once");
        let last = time.last();
        clock.set_wall(last + LEAP * 2);
        let mut resumed = StoreTime::resume(last, &clock);
        assert!(resumed.read(&clock).leapt && !resumed.read(&clock).leapt);
        let mut begun = StoreTime::begin(last, Duration::ZERO, Duration::ZERO);
        assert!(begun.read(&clock).leapt && !begun.read(&clock).leapt);
        assert!(!StoreTime::resume(Timestamp::from_millis(0), &clock).read(&clock).leapt, "it is new");
    }

    #[test]
    fn whoever_had_to_wait_reads_on_without_a_wall_clock() {
        let mut time = StoreTime::begin(Timestamp::from_millis(1_000), Duration::from_secs(4), Duration::ZERO);
        let (wall, second) = (Timestamp::from_millis(9_000), Duration::from_secs(1));
        assert_eq!(time.read_at(wall, Duration::ZERO).now, wall);
        assert_eq!(time.read_on(second), wall + second);
        assert_eq!(time.read_on(second), wall + second);
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
        assert_eq!(last, Timestamp::from_millis(1_000_930), "a sixteenth is lost, in whole steps");
        clock.advance(Duration::from_secs(16 * 600));
        assert_eq!(time.read(&clock).now, clock.wall(), "the wall clock has caught up");
    }

    #[test]
    fn a_store_never_opens_earlier_than_it_was_closed() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000));
        let mut time = StoreTime::resume(Timestamp::from_millis(90_000), &clock);
        assert_eq!(time.read(&clock).now, Timestamp::from_millis(90_000));
        clock.advance(Duration::from_secs(10));
        assert_eq!(time.read(&clock).now, Timestamp::from_millis(99_375));
    }
}
