//! Randomness and new ids, through traits, so that a seed reproduces a run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::ids::EventId;
use enginehouse_core::retry::Jitter;
use enginehouse_core::time::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Where random numbers come from.
pub trait Rng: Send {
    /// 128 random bits.
    fn bits(&mut self) -> u128;
    /// A number of at least 0, below 1.
    fn unit(&mut self) -> f64;

    /// 256 random bits, for what nobody must be able to guess.
    fn secret(&mut self) -> [u8; 32];

    /// A random number for the jitter of a retry.
    fn jitter(&mut self) -> Jitter {
        Jitter::new(self.unit())
    }
}

/// A cryptographic generator, seeded by the operating system or, in tests, by a number.
#[derive(Debug)]
pub struct SeededRng {
    numbers: StdRng,
    /// A generator of its own: what else a seed gives does not depend on how many secrets are made.
    secrets: StdRng,
}

impl SeededRng {
    /// Seeded by the operating system: what it gives cannot be guessed.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn from_system() -> Result<Self, rand::rngs::SysError> {
        let system = || StdRng::try_from_rng(&mut rand::rngs::SysRng);
        Ok(Self { numbers: system()?, secrets: system()? })
    }

    /// Seeded by a number: the same run every time.
    pub fn from_seed(seed: u64) -> Self {
        Self { numbers: StdRng::seed_from_u64(seed), secrets: StdRng::seed_from_u64(!seed) }
    }
}

impl Rng for SeededRng {
    fn bits(&mut self) -> u128 {
        self.numbers.random()
    }

    fn unit(&mut self) -> f64 {
        self.numbers.random()
    }

    fn secret(&mut self) -> [u8; 32] {
        self.secrets.random()
    }
}

/// A source of random numbers that several batches draw from.
#[derive(Clone)]
pub(crate) struct SharedRng(Arc<Mutex<Box<dyn Rng>>>);

impl SharedRng {
    pub(crate) fn new(rng: Box<dyn Rng>) -> Self {
        Self(Arc::new(Mutex::new(rng)))
    }

    fn source(&self) -> MutexGuard<'_, Box<dyn Rng>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rng for SharedRng {
    fn bits(&mut self) -> u128 {
        self.source().bits()
    }

    fn unit(&mut self) -> f64 {
        self.source().unit()
    }

    fn secret(&mut self) -> [u8; 32] {
        self.source().secret()
    }
}

/// Ids that only rise, whichever batch asks for one.
#[derive(Clone, Default)]
pub(crate) struct SharedIds(Arc<Mutex<Ids>>);

impl SharedIds {
    pub(crate) fn next_event_id(&self, now: Timestamp, rng: &mut dyn Rng) -> EventId {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_event_id(now, rng)
    }
}

/// Makes event ids: UUIDs of version 7 that only rise, whatever the time does.
///
/// RFC 9562 section 6.2, method 1: 48 bits of milliseconds, then a counter of 32 bits that starts anew in each
/// millisecond, then 42 random bits.
#[derive(Debug)]
pub struct Ids {
    millis: i64,
    count: u32,
}

impl Ids {
    /// Ids from now on.
    pub const fn new() -> Self {
        Self { millis: -1, count: 0 }
    }

    /// The next id.
    pub fn next_event_id(&mut self, now: Timestamp, rng: &mut dyn Rng) -> EventId {
        if now.as_millis() > self.millis {
            self.millis = now.as_millis();
            self.count = 0;
        } else if self.count == u32::MAX {
            self.millis += 1;
            self.count = 0;
        } else {
            self.count += 1;
        }
        let millis = (self.millis as u128) & 0xffff_ffff_ffff;
        let count = u128::from(self.count);
        let random = rng.bits() & 0x3ff_ffff_ffff;
        let bits =
            (millis << 80) | (0x7 << 76) | ((count >> 20) << 64) | (0b10 << 62) | ((count & 0xf_ffff) << 42) | random;
        EventId(uuid::Uuid::from_u128(bits))
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_only_rise() {
        let (mut ids, mut rng) = (Ids::new(), SeededRng::from_seed(1));
        let mut last = ids.next_event_id(Timestamp::from_millis(1_000), &mut rng);
        assert_eq!((last.0.get_version_num(), last.0.get_variant()), (7, uuid::Variant::RFC4122));
        for millis in [1_000, 1_000, 1_001, 999, 1_001, 5_000] {
            let next = ids.next_event_id(Timestamp::from_millis(millis), &mut rng);
            assert!(next > last);
            last = next;
        }
        assert_eq!(last.0.get_timestamp().unwrap().to_unix(), (5, 0));
    }

    #[test]
    fn a_full_counter_goes_on_in_the_next_millisecond() {
        let mut rng = SeededRng::from_seed(1);
        let mut ids = Ids { millis: 7, count: u32::MAX };
        let last = ids.next_event_id(Timestamp::from_millis(7), &mut rng);
        assert_eq!(last.0.get_timestamp().unwrap().to_unix(), (0, 8_000_000));
    }
}
