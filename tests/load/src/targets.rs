//! Where Enginehouse has to stand beside the others: one row for each ratio.

use crate::classes::LoadClass;
use crate::measurement::Spread;
use crate::results::{Quantity, Results};
use crate::systems::SystemName::{self, Constant, Postgres, Redis, SkipLocked, Sqlite};

/// A ratio, and what it has to be.
pub(crate) struct RatioTarget {
    pub(crate) class: LoadClass,
    pub(crate) system: SystemName,
    /// What it is compared with.
    pub(crate) against: String,
    of: Quantity,
    to: Quantity,
    /// What is enough, and what would be well done.
    pub(crate) bounds: (f64, f64),
    /// Whether less is better, as with what it costs.
    pub(crate) is_cost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Missed,
    Enough,
    Aim,
}

impl RatioTarget {
    pub(crate) fn ratio(&self, results: &Results) -> Option<Spread> {
        results.ratio(self.of, self.to)
    }

    pub(crate) fn standing(&self, ratio: f64) -> Standing {
        let reaches = |bound: f64| if self.is_cost { ratio <= bound } else { ratio >= bound };
        match (reaches(self.bounds.0), reaches(self.bounds.1)) {
            (_, true) => Standing::Aim,
            (true, false) => Standing::Enough,
            (false, false) => Standing::Missed,
        }
    }
}

/// All of them, in the order in which they are reported.
pub(crate) fn all() -> Vec<RatioTarget> {
    use LoadClass::*;
    let mut cpu = rate(EnqueueMany, Sqlite, Constant, (2.5, 1.6));
    cpu.of = Quantity::ServerCpu(EnqueueMany, Sqlite);
    cpu.to = Quantity::ServerCpu(EnqueueMany, Constant);
    cpu.against = "bare hyper, server CPU".to_owned();
    cpu.is_cost = true;
    let mut latency = rate(LatencyAt4000, Postgres, SkipLocked, (3.0, 1.5));
    latency.of = Quantity::ClaimP50(LatencyAt4000, Postgres);
    latency.to = Quantity::ClaimP50(LatencyAt4000, SkipLocked);
    latency.against = "SKIP LOCKED, claim p50".to_owned();
    latency.is_cost = true;
    let mut disk = rate(EnqueueOne, Sqlite, Sqlite, (0.4, 0.7));
    disk.to = Quantity::Overwrites;
    disk.against = "4 KiB overwrite + fdatasync".to_owned();
    let mut exchange = rate(MixManyExchange, Sqlite, Redis, (1.2, 1.8));
    exchange.to = Quantity::Rate(MixMany, Redis);
    vec![
        rate(EnqueueMany, Sqlite, Redis, (1.0, 1.3)),
        rate(EnqueueMany, Sqlite, SkipLocked, (2.5, 4.0)),
        rate(ClaimMany, Sqlite, Redis, (0.9, 1.2)),
        rate(ClaimMany, Sqlite, SkipLocked, (4.0, 6.0)),
        rate(MixMany, Sqlite, Redis, (0.9, 1.3)),
        exchange,
        rate(EnqueueBatch, Sqlite, SkipLocked, (1.5, 3.0)),
        rate(ClaimBatch, Sqlite, SkipLocked, (2.0, 4.0)),
        rate(MixBatch, Sqlite, SkipLocked, (2.0, 4.0)),
        rate(EnqueueBatch, Sqlite, Redis, (0.5, 1.0)),
        rate(ClaimBatch, Sqlite, Redis, (0.5, 1.0)),
        rate(MixBatch, Sqlite, Redis, (0.5, 1.0)),
        disk,
        rate(ClaimOne, Sqlite, Redis, (0.8, 1.2)),
        cpu,
        rate(EnqueueMany, Postgres, SkipLocked, (2.0, 4.0)),
        rate(ClaimMany, Postgres, SkipLocked, (2.0, 4.0)),
        rate(MixMany, Postgres, SkipLocked, (2.0, 4.0)),
        rate(EnqueueBatch, Postgres, SkipLocked, (1.0, 1.5)),
        rate(ClaimBatch, Postgres, SkipLocked, (1.0, 1.5)),
        rate(MixBatch, Postgres, SkipLocked, (1.0, 1.5)),
        rate(EnqueueOne, Postgres, SkipLocked, (0.7, 0.9)),
        rate(ClaimOne, Postgres, SkipLocked, (0.7, 0.9)),
        latency,
        itself(SnapshotHeld, Postgres, "itself without", (0.9, 1.0)),
        itself(BacklogLarge, Sqlite, "itself at 10 thousand", (0.8, 0.95)),
        itself(BacklogLarge, Postgres, "itself at 10 thousand", (0.8, 0.95)),
    ]
}

fn rate(class: LoadClass, system: SystemName, peer: SystemName, bounds: (f64, f64)) -> RatioTarget {
    let (of, to) = (Quantity::Rate(class, system), Quantity::Rate(class, peer));
    RatioTarget { class, system, against: peer.label().to_owned(), of, to, bounds, is_cost: false }
}

fn itself(class: LoadClass, system: SystemName, against: &str, bounds: (f64, f64)) -> RatioTarget {
    let usual = class.usual().unwrap_or(class);
    RatioTarget {
        to: Quantity::Rate(usual, system),
        against: against.to_owned(),
        ..rate(class, system, system, bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_of_a_cost_is_better() {
        let mut target = rate(LoadClass::EnqueueMany, Sqlite, Redis, (1.0, 1.3));
        assert_eq!(
            [0.9, 1.0, 1.3].map(|ratio| target.standing(ratio)),
            [Standing::Missed, Standing::Enough, Standing::Aim]
        );
        target.is_cost = true;
        target.bounds = (2.5, 1.6);
        assert_eq!(
            [2.6, 2.5, 1.6].map(|ratio| target.standing(ratio)),
            [Standing::Missed, Standing::Enough, Standing::Aim]
        );
    }
}
