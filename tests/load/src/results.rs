//! What all rounds have shown, and ratios within a round.

use std::collections::BTreeMap;

use crate::classes::LoadClass;
use crate::disk::DiskSpeed;
use crate::measurement::Spread;
use crate::phase::PhaseFigures;
use crate::systems::SystemName;

#[derive(Default)]
pub(crate) struct Results {
    rounds: Vec<RoundResults>,
}

/// The machine is another one from minute to minute, so a ratio is of figures of one round.
#[derive(Default)]
pub(crate) struct RoundResults {
    pub(crate) figures: BTreeMap<(LoadClass, SystemName), PhaseFigures>,
    pub(crate) disk: Option<DiskSpeed>,
}

/// A figure that can be compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Quantity {
    /// Events a second.
    Rate(LoadClass, SystemName),
    /// The server's processor time for an event.
    ServerCpu(LoadClass, SystemName),
    /// The time of a claim that half of them take at most.
    ClaimP50(LoadClass, SystemName),
    /// Overwrites of 4 KiB a second, each synced.
    Overwrites,
}

impl Results {
    /// The results of a round, which is new if none has its number.
    pub(crate) fn round(&mut self, number: usize) -> &mut RoundResults {
        while self.rounds.len() <= number {
            self.rounds.push(RoundResults::default());
        }
        &mut self.rounds[number]
    }

    pub(crate) fn count(&self) -> usize {
        self.rounds.len()
    }

    /// Something of each round that has it.
    pub(crate) fn spread(&self, of: impl Fn(&RoundResults) -> Option<f64>) -> Option<Spread> {
        Spread::of(&self.rounds.iter().filter_map(of).collect::<Vec<_>>())
    }

    /// A figure of a class and a system, where it was measured.
    pub(crate) fn figure(
        &self,
        class: LoadClass,
        system: SystemName,
        of: impl Fn(&PhaseFigures) -> Option<f64>,
    ) -> Option<Spread> {
        self.spread(|round| of(round.figures.get(&(class, system))?))
    }

    /// How many times as large a quantity is as another one of the same round.
    pub(crate) fn ratio(&self, of: Quantity, to: Quantity) -> Option<Spread> {
        self.spread(|round| Some(round.get(of)? / round.get(to)?))
    }
}

impl RoundResults {
    fn get(&self, quantity: Quantity) -> Option<f64> {
        let figures = |class, system| self.figures.get(&(class, system));
        match quantity {
            Quantity::Rate(class, system) => Some(figures(class, system)?.rate),
            Quantity::ServerCpu(class, system) => Some(figures(class, system)?.server_cpu),
            Quantity::ClaimP50(class, system) => Some(figures(class, system)?.p50),
            Quantity::Overwrites => Some(self.disk.as_ref()?.overwrites),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_in_each_round_first() {
        let mut results = Results::default();
        for (number, (ours, theirs)) in [(10.0, 5.0), (3.0, 3.0), (40.0, 10.0)].into_iter().enumerate() {
            for (system, rate) in [(SystemName::Sqlite, ours), (SystemName::Redis, theirs)] {
                let figures = PhaseFigures { rate, ..PhaseFigures::default() };
                results.round(number).figures.insert((LoadClass::EnqueueMany, system), figures);
            }
        }
        let rate = |system| Quantity::Rate(LoadClass::EnqueueMany, system);
        let ratio = results.ratio(rate(SystemName::Sqlite), rate(SystemName::Redis));
        assert_eq!(ratio, Some(Spread { median: 2.0, least: 1.0, most: 4.0 }));
        assert_eq!(results.ratio(rate(SystemName::Pgmq), rate(SystemName::Redis)), None);
    }
}
