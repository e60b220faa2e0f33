//! What a filter asks for, term by term, and whether something is what it asks for.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::age::Age;
use super::field::{FilterField, FilterSubject};
use super::json_path;
use super::quoting::written;
use crate::time::Timestamp;

/// The terms of a filter, all of which must hold. Without terms, all things match.
///
/// Written out, it is a filter again that asks for the same.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterTerms {
    subject: FilterSubject,
    terms: Arc<[FilterTerm]>,
}

/// One term: a field, and what it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterTerm {
    pub field: FilterField,
    /// Whether what it says must not hold.
    pub is_negated: bool,
    /// One of these must hold.
    pub tests: Vec<ValueTest>,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTest {
    /// This text. Of a payload, one in quotes is a string and never a number.
    Is { text: String, is_quoted: bool },
    /// A text that begins so; if this is empty, any value.
    Begins(String),
    /// A text that has this in it, in capitals or not.
    Contains(String),
    /// A whole number.
    Number(Comparison, u64),
    /// How long ago.
    Age(Comparison, Duration),
    /// When.
    Moment(Comparison, Timestamp),
    /// A number of JSON, as it is written.
    Decimal(Comparison, String),
}

/// How a value compares to the one that a term names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    More,
    AtLeast,
    Less,
    AtMost,
}

impl Comparison {
    /// As it is written before a value.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

/// What something has in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterFact<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Texts(Vec<Cow<'a, str>>),
    Number(u64),
    Moment(Timestamp),
    /// One value of JSON.
    Json(&'a str),
}

impl<'a, T: Into<Cow<'a, str>>> From<Option<T>> for FilterFact<'a> {
    fn from(text: Option<T>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }
}

impl From<Option<Timestamp>> for FilterFact<'_> {
    fn from(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Nothing, Self::Moment)
    }
}

/// Something that a filter may ask for.
pub trait FilterFacts {
    /// What it has in a field.
    fn fact(&self, field: &FilterField) -> FilterFact<'_>;
}

impl FilterTerms {
    pub(super) fn new(subject: FilterSubject, terms: Vec<FilterTerm>) -> Self {
        Self { subject, terms: terms.into() }
    }

    /// A filter that everything matches.
    pub fn none(subject: FilterSubject) -> Self {
        Self { subject, terms: Arc::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FilterTerm> {
        self.terms.iter()
    }

    /// Only the terms of which this holds.
    pub(super) fn only(&self, keep: impl FnMut(&&FilterTerm) -> bool) -> Self {
        Self { subject: self.subject, terms: self.terms.iter().filter(keep).cloned().collect() }
    }

    /// Whether it asks for something in payloads, which not everybody may read.
    pub fn asks_for_payloads(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.field, FilterField::Payload(_)))
    }

    /// Whether something is what all terms ask for, at a moment.
    pub fn match_facts(&self, facts: &impl FilterFacts, as_of: Timestamp) -> bool {
        self.terms.iter().all(|term| term.holds(&facts.fact(&term.field), as_of))
    }
}

impl<'a> IntoIterator for &'a FilterTerms {
    type Item = &'a FilterTerm;
    type IntoIter = std::slice::Iter<'a, FilterTerm>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FilterTerm {
    fn holds(&self, fact: &FilterFact<'_>, as_of: Timestamp) -> bool {
        self.tests.iter().any(|test| test.holds(fact, as_of)) != self.is_negated
    }

    /// The one text that it asks for, if it is about one.
    pub fn only_text(&self) -> Option<&str> {
        match (&self.tests[..], self.is_negated) {
            ([ValueTest::Is { text, .. }], false) => Some(text),
            _ => None,
        }
    }
}

impl ValueTest {
    fn holds(&self, fact: &FilterFact<'_>, as_of: Timestamp) -> bool {
        match (fact, self) {
            (FilterFact::Nothing, _) => false,
            (_, Self::Begins(beginning)) if beginning.is_empty() => true,
            (FilterFact::Text(text), _) => self.is_met_by(text),
            (FilterFact::Texts(texts), _) => texts.iter().any(|text| self.is_met_by(text)),
            (FilterFact::Number(number), Self::Number(comparison, wanted)) => comparison.holds(number.cmp(wanted)),
            (FilterFact::Moment(at), Self::Moment(comparison, wanted)) => comparison.holds(at.cmp(wanted)),
            (FilterFact::Moment(at), Self::Age(comparison, wanted)) => comparison.holds(as_of.since(*at).cmp(wanted)),
            (FilterFact::Json(json), _) => json_path::values(json).into_iter().any(|value| self.is_met_by_json(value)),
            _ => false,
        }
    }

    fn is_met_by(&self, value: &str) -> bool {
        match self {
            Self::Is { text, .. } => text == value,
            Self::Begins(beginning) => value.starts_with(beginning.as_str()),
            Self::Contains(part) => value.to_lowercase().contains(&part.to_lowercase()),
            _ => false,
        }
    }

    fn is_met_by_json(&self, value: &str) -> bool {
        if let Some(text) = json_path::string(value) {
            return self.is_met_by(&text);
        }
        match self {
            Self::Is { text, is_quoted: false } => {
                text == value || json_path::compare(value, text).is_some_and(Ordering::is_eq)
            }
            Self::Decimal(comparison, wanted) => {
                json_path::compare(value, wanted).is_some_and(|order| comparison.holds(order))
            }
            _ => false,
        }
    }
}

impl fmt::Display for FilterTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut terms = self.terms.iter();
        terms.next().map_or(Ok(()), |term| term.fmt(f))?;
        terms.try_for_each(|term| write!(f, " {term}"))
    }
}

impl fmt::Display for FilterTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:", if self.is_negated { "-" } else { "" }, self.field)?;
        let mut tests = self.tests.iter();
        tests.next().map_or(Ok(()), |test| test.fmt(f))?;
        tests.try_for_each(|test| write!(f, ",{test}"))
    }
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is { text, is_quoted } => f.write_str(&written(text, *is_quoted)),
            Self::Begins(beginning) if beginning.is_empty() => f.write_str("*"),
            Self::Begins(beginning) => write!(f, "{}*", written(beginning, false)),
            Self::Contains(part) => write!(f, "~{}", written(part, false)),
            Self::Number(comparison, number) => write!(f, "{}{number}", comparison.sign()),
            Self::Age(comparison, age) => write!(f, "{}{}", comparison.sign(), Age(*age)),
            Self::Moment(comparison, at) => write!(f, "{}{at}", comparison.sign()),
            Self::Decimal(comparison, number) => write!(f, "{}{number}", comparison.sign()),
        }
    }
}
