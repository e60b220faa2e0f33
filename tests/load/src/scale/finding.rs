//! A figure, and what it has to be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scenario::{ScaleScenario, ScaleStore};
use crate::measurement::percentile;

/// Something that was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScaleFigure {
    /// With its unit.
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) limit: Option<Limit>,
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// What all scenarios have shown.
#[derive(Default)]
pub(crate) struct ScaleFindings {
    by_scenario: BTreeMap<ScaleScenario, BTreeMap<ScaleStore, Vec<ScaleFigure>>>,
}

impl ScaleFigure {
    pub(crate) fn new(what: impl Into<String>, value: f64) -> Self {
        Self { what: what.into(), value, limit: None }
    }

    pub(crate) fn at_most(self, limit: f64) -> Self {
        Self { limit: Some(Limit::AtMost(limit)), ..self }
    }

    pub(crate) fn at_least(self, limit: f64) -> Self {
        Self { limit: Some(Limit::AtLeast(limit)), ..self }
    }

    /// Half and 99 of a hundred of some calls, in milliseconds.
    pub(crate) fn of_times(what: &str, times: &mut [Duration]) -> [Self; 2] {
        [50, 99].map(|percent| Self::new(format!("{what}, p{percent}, ms"), percentile(times, percent)))
    }

    /// Whether it is what it has to be. None if it may be anything.
    pub(crate) fn holds(&self) -> Option<bool> {
        Some(match self.limit? {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
        })
    }

    /// For whoever watches.
    pub(crate) fn line(&self) -> String {
        let verdict = match self.holds() {
            Some(true) => " (held)",
            Some(false) => " (missed)",
            None => "",
        };
        format!("{}: {:.2}{verdict}", self.what, self.value)
    }
}

impl ScaleFindings {
    pub(crate) fn add(&mut self, scenario: ScaleScenario, store: ScaleStore, found: Vec<ScaleFigure>) {
        self.by_scenario.entry(scenario).or_default().insert(store, found);
    }

    pub(crate) fn by_scenario(&self) -> impl Iterator<Item = (ScaleScenario, &BTreeMap<ScaleStore, Vec<ScaleFigure>>)> {
        self.by_scenario.iter().map(|(scenario, found)| (*scenario, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_at_its_edge() {
        let of = |value| ScaleFigure::new("seconds", value);
        assert_eq!(of(1.0).holds(), None);
        assert_eq!([0.9, 1.0, 1.1].map(|value| of(value).at_most(1.0).holds()), [Some(true), Some(true), Some(false)]);
        assert_eq!([0.9, 1.0, 1.1].map(|value| of(value).at_least(1.0).holds()), [Some(false), Some(true), Some(true)]);
    }
}
