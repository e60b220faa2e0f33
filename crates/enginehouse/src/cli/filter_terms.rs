//! What stands behind `--filter`: checked before anything is sent.

use enginehouse_core::filter::{FilterError, FilterSubject, FilterTerms};

/// Checks the terms of a list of events.
pub(crate) fn event_terms(text: &str) -> Result<String, FilterError> {
    check(FilterSubject::Events, text)
}

/// Checks the terms of a list of dead letters.
pub(crate) fn dead_letter_terms(text: &str) -> Result<String, FilterError> {
    check(FilterSubject::DeadLetters, text)
}

/// Checks the terms of a list of engines.
pub(crate) fn engine_terms(text: &str) -> Result<String, FilterError> {
    check(FilterSubject::Engines, text)
}

fn check(subject: FilterSubject, text: &str) -> Result<String, FilterError> {
    FilterTerms::parse(subject, text).map(|_| text.to_owned())
}
