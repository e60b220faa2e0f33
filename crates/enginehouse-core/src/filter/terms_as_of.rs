//! Terms at a moment, and what they say of where to look.

use uuid::Uuid;

use super::field::{FilterField, FilterSubject};
use super::terms::{FilterFact, FilterFacts, FilterTerm, FilterTerms, ValueTest};
use crate::ids::EventId;
use crate::lane::LaneKey;
use crate::time::Timestamp;

/// Terms, and the moment that they are about: `age:>5m` is about one.
#[derive(Clone, Debug, PartialEq)]
pub struct TermsAsOf {
    terms: FilterTerms,
    as_of: Timestamp,
}

impl Eq for TermsAsOf {}

impl Default for TermsAsOf {
    /// What everything matches.
    fn default() -> Self {
        Self { terms: FilterTerms::none(FilterSubject::Events), as_of: Timestamp::MIN }
    }
}

/// The facts that all events of a lane have in common.
struct FactsOfLane<'a>(&'a LaneKey);

impl FilterFacts for FactsOfLane<'_> {
    fn fact(&self, field: &FilterField) -> FilterFact<'_> {
        match field {
            FilterField::Queue => FilterFact::from(Some(self.0.queue.as_str())),
            FilterField::EventType => FilterFact::from(Some(self.0.event_type.as_str())),
            FilterField::Priority => FilterFact::Number(self.0.priority.into()),
            _ => FilterFact::Nothing,
        }
    }
}

fn is_of_lane(term: &FilterTerm) -> bool {
    matches!(term.field, FilterField::Queue | FilterField::EventType | FilterField::Priority)
}

impl TermsAsOf {
    pub(super) fn new(terms: FilterTerms, as_of: Timestamp) -> Self {
        if terms.is_empty() { Self::default() } else { Self { terms, as_of } }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether payloads are needed to tell what matches.
    pub fn ask_for_payloads(&self) -> bool {
        self.terms.asks_for_payloads()
    }

    /// Whether all terms hold of something.
    pub fn match_facts(&self, facts: &impl FilterFacts) -> bool {
        self.terms.match_facts(facts, self.as_of)
    }

    /// Whether some lanes have no event that matches.
    pub fn limit_lanes(&self) -> bool {
        self.terms.iter().any(is_of_lane)
    }

    /// Whether a lane may have an event that matches.
    pub fn admit_lane(&self, lane: &LaneKey) -> bool {
        self.terms.only(|term| is_of_lane(term)).match_facts(&FactsOfLane(lane), self.as_of)
    }

    /// The first and the last id that an event may have to match; none if it may be any.
    pub fn event_ids(&self) -> Option<(EventId, EventId)> {
        self.terms.iter().filter(|term| term.field == FilterField::Id && !term.is_negated).find_map(|term| match &term
            .tests[..]
        {
            [ValueTest::Is { text, .. } | ValueTest::Begins(text)] => id_range(text),
            _ => None,
        })
    }

    /// The patterns of SQL's `like` of which a name matches one, if it must; none if no term says so.
    pub fn like_patterns(&self, field: &FilterField) -> Option<Vec<String>> {
        let pattern = |test: &ValueTest| match test {
            ValueTest::Is { text, .. } => Some(escaped(text)),
            ValueTest::Begins(beginning) => Some(escaped(beginning) + "%"),
            _ => None,
        };
        let terms = self.terms.iter().filter(|term| term.field == *field && !term.is_negated);
        terms.map(|term| term.tests.iter().map(pattern).collect::<Option<Vec<_>>>()).find_map(|patterns| patterns)
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The ids that begin so.
fn id_range(beginning: &str) -> Option<(EventId, EventId)> {
    let digits: String = beginning.chars().filter(|digit| *digit != '-').collect();
    let id = |fill: char| {
        let digits: String = digits.chars().chain(std::iter::repeat(fill)).take(32).collect();
        Uuid::try_parse(&digits).ok().map(EventId)
    };
    Some((id('0')?, id('f')?))
}
