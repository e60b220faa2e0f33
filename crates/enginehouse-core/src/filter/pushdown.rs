//! What of a filter's terms a list can find by its own fields. The rest is compared with what is found so.

use std::str::FromStr;

use super::field::FilterField;
use super::terms::{Comparison, FilterTerm, FilterTerms, ValueTest};
use super::terms_as_of::TermsAsOf;
use super::{DeadLetterFilter, EngineFilter, EventFilter};
use crate::label::Label;
use crate::time::Timestamp;

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
