//! What of a filter's terms a list can find by its own fields. The rest is compared with what is found so.

use std::str::FromStr;

use uuid::Uuid;

use super::field::{FilterField, FilterSubject};
use super::terms::{Comparison, FilterFact, FilterFacts, FilterTerm, FilterTerms, ValueTest};
use super::{DeadLetterFilter, EngineFilter, EventFilter};
use crate::ids::EventId;
use crate::label::Label;
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

/// Which dead letters a list shows: those of a filter, of which also these terms hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterSearch {
    pub filter: DeadLetterFilter,
    pub terms: TermsAsOf,
}

impl From<DeadLetterFilter> for DeadLetterSearch {
    fn from(filter: DeadLetterFilter) -> Self {
        Self { filter, terms: TermsAsOf::default() }
    }
}

/// The facts that all events of a lane have in common.
struct LaneFacts<'a>(&'a LaneKey);

impl FilterFacts for LaneFacts<'_> {
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
    fn new(terms: FilterTerms, as_of: Timestamp) -> Self {
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
        self.terms.only(|term| is_of_lane(term)).match_facts(&LaneFacts(lane), self.as_of)
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

/// Takes the terms that say what a field of a list says, as long as the field says nothing.
struct Pushdown {
    terms: FilterTerms,
}

impl Pushdown {
    fn take<T>(&mut self, into: &mut Option<T>, read: impl Fn(&FilterTerm) -> Option<T>) {
        if into.is_some() {
            return;
        }
        let taken = self.terms.iter().position(|term| read(term).is_some());
        if let Some(taken) = taken {
            let mut place = 0;
            *into = self.terms.iter().nth(taken).and_then(&read);
            self.terms = self.terms.only(|_| {
                place += 1;
                place - 1 != taken
            });
        }
    }

    /// A field that is one text.
    fn text<T: FromStr>(&mut self, field: &FilterField, into: &mut Option<T>) {
        self.take(into, |term| if term.field == *field { term.only_text()?.parse().ok() } else { None });
    }

    /// A field that begins or ends at a moment.
    fn moment(&mut self, field: &FilterField, sign: Comparison, into: &mut Option<Timestamp>) {
        self.take(into, |term| match (&term.tests[..], term.is_negated) {
            ([ValueTest::Moment(comparison, at)], false) if term.field == *field && *comparison == sign => Some(*at),
            _ => None,
        });
    }
}

impl EventFilter {
    /// This filter and the terms of another: both must hold.
    #[must_use]
    pub fn matching(mut self, terms: FilterTerms, as_of: Timestamp) -> Self {
        let mut left = Pushdown { terms };
        left.text(&FilterField::Status, &mut self.status);
        left.text(&FilterField::EventType, &mut self.event_type);
        left.text(&FilterField::Queue, &mut self.queue);
        left.text(&FilterField::ScenarioRun, &mut self.scenario_run_id);
        left.text(&FilterField::Engine, &mut self.engine_id);
        left.text(&FilterField::Key, &mut self.idempotency_key);
        left.take(&mut self.priority, |term| match (&term.field, &term.tests[..], term.is_negated) {
            (FilterField::Priority, [ValueTest::Number(Comparison::Equal, number)], false) => {
                u8::try_from(*number).ok()
            }
            _ => None,
        });
        left.take(&mut self.label, |term| match &term.field {
            FilterField::Label(key) => format!("{key}={}", term.only_text()?).parse::<Label>().ok(),
            _ => None,
        });
        left.moment(&FilterField::Enqueued, Comparison::AtLeast, &mut self.enqueued_after);
        left.moment(&FilterField::Enqueued, Comparison::Less, &mut self.enqueued_before);
        left.moment(&FilterField::Available, Comparison::AtLeast, &mut self.available_after);
        self.terms = TermsAsOf::new(left.terms, as_of);
        self
    }
}

impl EngineFilter {
    /// This filter and the terms of another: both must hold.
    #[must_use]
    pub fn matching(mut self, terms: FilterTerms, as_of: Timestamp) -> Self {
        let mut left = Pushdown { terms };
        left.text(&FilterField::Status, &mut self.status);
        left.text(&FilterField::Stopped, &mut self.stopped);
        left.text(&FilterField::EngineType, &mut self.engine_type);
        left.text(&FilterField::Capability, &mut self.capability);
        self.terms = TermsAsOf::new(left.terms, as_of);
        self
    }
}

impl DeadLetterFilter {
    /// This filter and the terms of another: both must hold.
    #[must_use]
    pub fn matching(mut self, terms: FilterTerms, as_of: Timestamp) -> DeadLetterSearch {
        let mut left = Pushdown { terms };
        left.text(&FilterField::EventType, &mut self.event_type);
        left.text(&FilterField::Queue, &mut self.queue);
        left.text(&FilterField::Reason, &mut self.reason);
        left.text(&FilterField::ErrorCode, &mut self.error_code);
        left.text(&FilterField::Group, &mut self.group_id);
        left.moment(&FilterField::DeadLettered, Comparison::AtLeast, &mut self.dead_lettered_after);
        left.moment(&FilterField::DeadLettered, Comparison::Less, &mut self.dead_lettered_before);
        DeadLetterSearch { filter: self, terms: TermsAsOf::new(left.terms, as_of) }
    }
}
