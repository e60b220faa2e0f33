//! What connections do for a while, and what that has shown.

use std::time::Duration;

use crate::measurement::percentile;
use crate::pacing::Pacing;
use crate::processes::{Disk, DiskWrites, cpu_time, memory, own_cpu_time};

/// What connections do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LoadPhase {
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    /// Events of each call.
    pub(crate) batch: usize,
    /// Whether consumers complete and claim in one call.
    pub(crate) exchange: bool,
    /// How many events producers enqueue a second, at most; as many as they can if none.
    pub(crate) rate: Option<usize>,
    pub(crate) length: Duration,
}

/// What a phase has shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PhaseFigures {
    /// Events a second: completed ones, or enqueued ones where those were fewer or nothing was claimed.
    pub(crate) rate: f64,
    /// Milliseconds of a claim, or of an enqueue where nothing was claimed.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Microseconds of processor time an event: the server's with all its processes, and this client's.
    pub(crate) server_cpu: f64,
    pub(crate) client_cpu: f64,
    /// Of the whole disk, an event.
    pub(crate) writes: Option<f64>,
    pub(crate) bytes: Option<f64>,
    /// Bytes, at the end.
    pub(crate) memory: f64,
}

/// What connections have done.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) enqueued: usize,
    pub(crate) completed: usize,
    pub(crate) times: Vec<Duration>,
}

/// What the kernel has counted so far.
pub(crate) struct Counters {
    disk: Option<DiskWrites>,
    server_cpu: Duration,
    client_cpu: Duration,
}

impl LoadPhase {
    /// How far the two sides of a mix may be apart.
    fn bound(&self) -> usize {
        8 * self.consumers * self.batch
    }

    /// How many events should wait before it begins.
    pub(crate) fn wants_standing(&self) -> usize {
        match (self.producers, self.consumers) {
            (_, 0) => 0,
            // About what is claimed in that time on the machine that this was tried on. A drain ends when nothing is left.
            (0, consumers) => {
                (self.length.as_secs_f64() * (consumers.min(10) * self.batch.min(2) * 3_000) as f64) as usize
            }
            _ => self.bound() / 2,
        }
    }

    pub(crate) fn pacing(&self, standing: usize) -> Pacing {
        match (self.producers, self.consumers) {
            (_, 0) => Pacing::enqueue(),
            (0, _) => Pacing::drain(standing),
            _ => Pacing::mix(self.bound()),
        }
    }

    /// What was done in so many seconds, and since the counters were read.
    pub(crate) fn figures(
        &self,
        mut taken: Taken,
        seconds: f64,
        before: &Counters,
        processes: &[u32],
        disk: &Disk,
    ) -> PhaseFigures {
        let after = Counters::read(processes, disk);
        let events = match (self.producers, self.consumers) {
            (_, 0) => taken.enqueued,
            (0, _) => taken.completed,
            _ => taken.enqueued.min(taken.completed),
        } as f64;
        let micros = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / events;
        let written = before.disk.zip(after.disk);
        PhaseFigures {
            rate: events / seconds,
            p50: percentile(&mut taken.times, 50),
            p99: percentile(&mut taken.times, 99),
            server_cpu: micros(before.server_cpu, after.server_cpu),
            client_cpu: micros(before.client_cpu, after.client_cpu),
            writes: written.map(|(before, after)| (after.writes - before.writes) as f64 / events),
            bytes: written.map(|(before, after)| (after.bytes - before.bytes) as f64 / events),
            memory: memory(processes) as f64,
        }
    }
}

impl Counters {
    pub(crate) fn read(processes: &[u32], disk: &Disk) -> Self {
        Self { disk: disk.writes(), server_cpu: cpu_time(processes), client_cpu: own_cpu_time() }
    }
}

impl Taken {
    pub(crate) fn add(&mut self, other: Self) {
        self.enqueued += other.enqueued;
        self.completed += other.completed;
        self.times.extend(other.times);
    }
}
