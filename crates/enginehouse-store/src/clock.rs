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
    /// How far it was ahead of the wall clock when that was last read.
    lead: Duration,
    /// What it begins from, before the first reading.
    unread: Option<TimeNote>,
    jumps: u64,
    leaps: u64,
}

/// What is noted of a store's time now and then, for a server that starts later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeNote {
    pub(crate) at: Timestamp,
    /// How far it was ahead of the wall clock.
    pub(crate) lead: Duration,
}

impl TimeNote {
    /// That of a store that is new.
    pub(crate) const NONE: Self = Self { at: Timestamp::from_millis(0), lead: Duration::ZERO };

    /// Where the time goes on when it is `wall`, not earlier than anybody has been who has noted nothing for `unnoted`.
    ///
    /// While the wall clock stands behind the note, it is the lead that goes on, and not the note: otherwise each of many
    /// starts in a row would add to it.
    fn resume(self, unnoted: Duration, wall: Timestamp) -> Timestamp {
        let latest = self.at + unnoted;
        match wall + self.lead {
            _ if wall >= self.at => wall,
            led if led >= self.at => led.min(latest),
            // The clock was set back since.
            _ => latest,
        }
    }
}

/// How old a note may be.
pub(crate) const NOTE_AGE: Duration = Duration::from_secs(4);

/// One reading of a store's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub now: Timestamp,
    /// How often it has jumped by more than [`JUMP`] since the store was opened.
    ///
    /// A count, and not a flag, so that each reader can tell what it has not dealt with yet, and none takes it from another.
    pub jumps: u64,
    /// How often it has jumped by more than [`LEAP`], one while the store was closed included.
    pub leaps: u64,
}

impl StoreTime {
    /// Goes on from `last`, which the store has not come behind, or from now if that is later.
    pub fn resume(last: Timestamp, clock: &dyn Clock) -> Self {
        let wall = clock.wall();
        let now = wall.max(last);
        Self {
            now,
            read_at: clock.monotonic(),
            lead: now.since(wall),
            unread: None,
            jumps: 0,
            leaps: is_leap(last, wall).into(),
        }
    }

    /// Goes on from a note, or from the first reading of the wall clock if that is later: then it is not a jump.
    pub(crate) fn begin(note: TimeNote, monotonic: Duration) -> Self {
        Self { now: note.at, read_at: monotonic, lead: note.lead, unread: Some(note), jumps: 0, leaps: 0 }
    }

    /// What a server that starts later has to know; nothing before the first reading.
    pub(crate) fn note(&self) -> Option<TimeNote> {
        self.unread.is_none().then_some(TimeNote { at: self.now, lead: self.lead })
    }

    /// Counts a jump that only the caller knows of: whatever has told the time may have been away.
    pub(crate) const fn count_jump(&mut self) {
        self.jumps += 1;
    }

    /// Whether the wall clock is behind.
    pub(crate) const fn is_ahead(&self) -> bool {
        !self.lead.is_zero()
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
        if self.is_ahead() {
            (self.now, self.read_at) = self.slowed(monotonic);
            return self.now;
        }
        // Whole milliseconds only: rounded up, many readings within one would make the time run ahead.
        let elapsed = monotonic.saturating_sub(self.read_at);
        let whole = Duration::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        self.now = self.now + whole;
        self.read_at += whole;
        self.now
    }

    /// The time while the wall clock is behind, and when it was that.
    fn slowed(&self, monotonic: Duration) -> (Timestamp, Duration) {
        let elapsed = monotonic.saturating_sub(self.read_at);
        // Whole steps only, so that many readings in one step lose nothing.
        let steps = u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX) / SLOWED_BY;
        let step = Duration::from_millis(1) * steps;
        (self.now + step * (SLOWED_BY - 1), self.read_at + step * SLOWED_BY)
    }

    /// Reads the time from readings of a wall clock and a monotonic clock.
    pub(crate) fn read_at(&mut self, wall: Timestamp, monotonic: Duration) -> Reading {
        if let Some(note) = self.unread.take() {
            self.leaps += u64::from(is_leap(self.now, wall));
            self.now = note.resume(NOTE_AGE, wall);
            self.read_at = monotonic;
            self.lead = self.now.since(wall);
            return self.reading();
        }
        let elapsed = monotonic.saturating_sub(self.read_at);
        let ahead = wall.since(self.now + elapsed);
        let slowed = self.slowed(monotonic);
        (self.now, self.read_at) = if wall >= slowed.0 { (wall, monotonic) } else { slowed };
        self.lead = self.now.since(wall);
        self.jumps += u64::from(ahead > JUMP);
        self.leaps += u64::from(ahead > LEAP);
        self.reading()
    }

    const fn reading(&self) -> Reading {
        Reading { now: self.now, jumps: self.jumps, leaps: self.leaps }
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
        let want = Reading { now: Timestamp::from_millis(4_600_000), jumps: 0, leaps: 0 };
        assert_eq!(time.read(&clock), want);
    }

    #[test]
    fn a_wall_clock_set_ahead_is_a_jump() {
        let (clock, mut time) = start();
        clock.set_wall(Timestamp::from_millis(1_005_000));
        assert_eq!(time.read(&clock).jumps, 0, "5 s may be a correction");
        clock.set_wall(Timestamp::from_millis(1_010_001));
        assert_eq!(time.read(&clock).jumps, 1);
        assert_eq!(time.read(&clock).jumps, 1, "counted once");
    }

    #[test]
    fn a_jump_by_hours_is_a_leap_also_while_the_store_is_closed() {
        let (clock, mut time) = start();
        clock.set_wall(Timestamp::from_millis(1_000_000) + LEAP);
        assert_eq!(time.read(&clock).leaps, 0);
        clock.set_wall(clock.wall() + LEAP * 2);
        assert_eq!(time.read(&clock).leaps, 1);
        assert_eq!(time.read(&clock).leaps, 1, "counted once");
        let last = time.last();
        clock.set_wall(last + LEAP * 2);
        let mut resumed = StoreTime::resume(last, &clock);
        assert_eq!((resumed.read(&clock).leaps, resumed.read(&clock).leaps), (1, 1));
        let mut begun = StoreTime::begin(TimeNote { at: last, lead: Duration::ZERO }, Duration::ZERO);
        assert_eq!((begun.read(&clock).leaps, begun.read(&clock).leaps), (1, 1));
        assert_eq!(StoreTime::resume(Timestamp::from_millis(0), &clock).read(&clock).leaps, 0, "it is new");
    }

    #[test]
    fn whoever_had_to_wait_reads_on_without_a_wall_clock() {
        let mut time = StoreTime::begin(TimeNote::NONE, Duration::ZERO);
        let (wall, second) = (Timestamp::from_millis(9_000), Duration::from_secs(1));
        assert_eq!(time.read_at(wall, Duration::ZERO).now, wall);
        assert_eq!(time.read_on(second), wall + second);
        assert_eq!(time.read_on(second), wall + second);
    }

    #[test]
    fn many_readings_make_it_run_no_faster() {
        let mut time = StoreTime::begin(TimeNote::NONE, Duration::ZERO);
        let wall = Timestamp::from_millis(9_000);
        assert_eq!(time.read_at(wall, Duration::ZERO).now, wall);
        for step in 0..=10_000 {
            time.read_on(Duration::from_micros(100) * step);
        }
        assert_eq!(time.last(), wall + Duration::from_secs(1));
        // An answer of the database that came late says an earlier time: that is not a reason to run faster, either.
        for step in 10_001..=20_000 {
            let monotonic = Duration::from_micros(100) * step;
            time.read_at(wall + (monotonic - Duration::from_millis(10)), monotonic);
            time.read_on(monotonic + Duration::from_micros(50));
        }
        assert!(time.last() <= wall + Duration::from_secs(2), "{}", time.last());
    }

    #[test]
    fn starts_in_a_row_add_nothing_to_a_lead() {
        let at = |millis| Timestamp::from_millis(millis);
        let note = |at: Timestamp, lead| TimeNote { at, lead: Duration::from_millis(lead) };
        for (what, note, wall, begins) in [
            ("the clock goes on", note(at(50_000), 0), at(50_100), at(50_100)),
            ("it was ahead by 300 ms, and is", note(at(50_000), 300), at(49_800), at(50_100)),
            ("it was ahead, and the clock has caught up", note(at(50_000), 300), at(50_200), at(50_200)),
            ("the clock was set back since", note(at(50_000), 300), at(20_000), at(54_000)),
            ("nobody was later than that", note(at(50_000), 30_000), at(30_000), at(54_000)),
        ] {
            let mut time = StoreTime::begin(note, Duration::ZERO);
            assert_eq!(time.note(), None, "{what}: it was not read yet");
            assert_eq!(time.read_at(wall, Duration::ZERO).now, begins, "{what}");
            assert_eq!(time.note(), Some(TimeNote { at: begins, lead: begins.since(wall) }), "{what}");
        }
        let (mut time, mut wall) = (note(at(50_000), 300), at(49_800));
        for _ in 0..100 {
            let mut begun = StoreTime::begin(time, Duration::ZERO);
            begun.read_at(wall, Duration::ZERO);
            wall = wall + Duration::from_millis(50);
            begun.read_at(wall, Duration::from_millis(50));
            time = begun.note().unwrap();
        }
        assert!(time.lead <= Duration::from_millis(300), "{time:?}");
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
