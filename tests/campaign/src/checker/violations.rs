//! What the checker objects to.

use std::collections::BTreeMap;

/// What should not have happened. At most a few of each kind are worth reading.
#[derive(Debug, Default)]
pub(crate) struct Violations(BTreeMap<&'static str, Vec<String>>);

impl Violations {
    pub(super) fn add(&mut self, rule: &'static str, what: String) {
        self.0.entry(rule).or_default().push(what);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules that were broken, with how often, and each with its first cases.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(rule, cases)| {
            let head = format!("VIOLATED {} times: {rule}", cases.len());
            std::iter::once(head).chain(cases.iter().take(5).map(|case| format!("    {case}")))
        })
    }

    #[cfg(test)]
    pub(super) fn rules(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
