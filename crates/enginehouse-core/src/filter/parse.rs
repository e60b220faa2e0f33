//! Reads filters: terms with blanks between them, each a field, a colon and values with commas between them.

use std::borrow::Cow;
use std::fmt;

use super::age::Age;
use super::field::{self, FieldKind, FilterField, FilterSubject};
use super::json_path;
use super::quoting::ends_value;
use super::terms::{Comparison, FilterTerm, FilterTerms, ValueTest};
use crate::ids::{Capability, EventId};
use crate::input::{Textual, likeness};
use crate::invalid::shortened;
use crate::limits::{MAX_FILTER_LENGTH, MAX_FILTER_PAYLOAD_TERMS, MAX_FILTER_TERMS, MAX_FILTER_VALUES};
use crate::time::Timestamp;

/// A text that is no filter: its first term that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{term} at column {column}: {problem}")]
pub struct FilterError {
    /// The term, cut if it is long.
    pub term: String,
    /// Where what is wrong begins, in characters, the first of which is 1.
    pub column: usize,
    /// What is wrong, and what may stand there.
    pub problem: String,
}

impl FilterTerms {
    /// Reads the filter of a list.
    ///
    /// # Errors
    /// The first term that is none: where it stands, and what may stand there.
    pub fn parse(subject: FilterSubject, text: &str) -> Result<Self, FilterError> {
        terms(subject, text).map(|terms| Self::new(subject, terms))
    }
}

/// The terms of a text.
fn terms(subject: FilterSubject, text: &str) -> Result<Vec<FilterTerm>, FilterError> {
    let mut reader = FilterReader { subject, text, at: 0, term_from: 0 };
    let length = text.chars().count();
    if length > MAX_FILTER_LENGTH {
        return Err(reader.error(0, format!("a filter has at most {MAX_FILTER_LENGTH} characters, this one {length}")));
    }
    let (mut terms, mut payload_terms) = (Vec::new(), 0);
    loop {
        reader.skip(char::is_whitespace);
        if reader.rest().is_empty() {
            return Ok(terms);
        }
        reader.term_from = reader.at;
        if terms.len() == MAX_FILTER_TERMS {
            return Err(reader.error(reader.at, format!("a filter has at most {MAX_FILTER_TERMS} terms")));
        }
        let term = reader.term()?;
        payload_terms += usize::from(matches!(term.field, FilterField::Payload(_)));
        if payload_terms > MAX_FILTER_PAYLOAD_TERMS {
            let problem = format!("a filter asks for at most {MAX_FILTER_PAYLOAD_TERMS} places in payloads");
            return Err(reader.error(reader.term_from, problem));
        }
        terms.push(term);
    }
}

/// One value as it is written.
struct Written<'a> {
    /// Where it begins.
    from: usize,
    comparison: Option<Comparison>,
    is_part: bool,
    text: Cow<'a, str>,
    is_quoted: bool,
    /// Whether an asterisk follows.
    is_beginning: bool,
}

struct FilterReader<'a> {
    subject: FilterSubject,
    text: &'a str,
    /// How much of the text is read, in bytes.
    at: usize,
    /// Where the present term begins.
    term_from: usize,
}

impl<'a> FilterReader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let skipped = &rest[..rest.find(|character| !what(character)).unwrap_or(rest.len())];
        self.at += skipped.len();
        skipped
    }

    fn take(&mut self, prefix: &str) -> bool {
        let is_next = self.rest().starts_with(prefix);
        self.at += if is_next { prefix.len() } else { 0 };
        is_next
    }

    /// What is wrong at a place of the text, in the present term.
    fn error(&self, at: usize, problem: impl fmt::Display) -> FilterError {
        let term = self.text[self.term_from..].split(char::is_whitespace).next().unwrap_or("");
        FilterError {
            term: shortened(term).into_owned(),
            column: self.text[..at].chars().count() + 1,
            problem: problem.to_string(),
        }
    }

    fn term(&mut self) -> Result<FilterTerm, FilterError> {
        let is_negated = self.take("-");
        let from = self.at;
        let name = self.skip(|character| character != ':' && character != '"' && !ends_value(character));
        let field = if self.take(":") {
            self.field(from, name)?
        } else {
            // Without a field it is an id, or the beginning of one.
            self.at = from;
            FilterField::Id
        };
        let is_bare = self.at == from;
        let mut tests = Vec::new();
        loop {
            if tests.len() == MAX_FILTER_VALUES {
                return Err(self.error(self.at, format!("a term has at most {MAX_FILTER_VALUES} values")));
            }
            let value = self.value()?;
            let value = Written { is_beginning: value.is_beginning || is_bare, ..value };
            tests.push(self.test(&field, value, is_bare)?);
            if !self.take(",") {
                return Ok(FilterTerm { field, is_negated, tests });
            }
        }
    }

    fn field(&self, from: usize, name: &str) -> Result<FilterField, FilterError> {
        let (outer, inner) = name.split_once('.').map_or((name, None), |(outer, inner)| (outer, Some(inner)));
        let has_names = self.subject != FilterSubject::Engines;
        match (outer, inner) {
            ("label", Some(key)) if has_names => {
                // Labels have keys by the rule for names, of which a capability is one.
                let key: Capability = key.parse().map_err(|error| self.error(from + 6, error))?;
                Ok(FilterField::Label(key.to_string()))
            }
            ("payload", Some(path)) if has_names => {
                let path = path.parse().map_err(|error| self.error(from + 8, error))?;
                Ok(FilterField::Payload(path))
            }
            ("label", None) if has_names => Err(self.error(from, "name the label: label.team:x")),
            ("payload", None) if has_names => Err(self.error(from, "name the place in the payload: payload.scene:x")),
            _ => FilterField::of_name(name, self.subject).ok_or_else(|| self.error(from, self.no_field(name))),
        }
    }

    fn no_field(&self, name: &str) -> String {
        let noun = self.subject.noun();
        if name.is_empty() {
            return "before the colon must come a field".to_owned();
        }
        let known: Vec<_> = field::names(self.subject).collect();
        let alike = known.iter().filter_map(|one| Some((likeness(name, one)?, *one)));
        let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
        let meant = nearest.map_or_else(String::new, |(_, one)| format!(", did you mean {one}?"));
        let it = if meant.is_empty() { ": it has" } else { " It has" };
        format!("{noun} has no {}{meant}{it} {}", shortened(name), known.join(", "))
    }

    /// A comparison, `~` or nothing; then text in quotes or without.
    fn value(&mut self) -> Result<Written<'a>, FilterError> {
        let from = self.at;
        let signs = [Comparison::AtLeast, Comparison::AtMost, Comparison::More, Comparison::Less];
        let comparison = signs.into_iter().find(|comparison| self.take(comparison.sign()));
        let is_part = comparison.is_none() && self.take("~");
        let is_quoted = self.rest().starts_with('"');
        let text: Cow<'_, str> =
            if is_quoted { self.quoted()?.into() } else { self.skip(|c| c != '"' && !ends_value(c)).into() };
        if !is_quoted && self.rest().starts_with('"') {
            let problem =
                "a quotation mark within a value: put the whole value in quotes, and \\ before each of its own";
            return Err(self.error(self.at, problem));
        }
        if text.contains(char::is_control) {
            return Err(self.error(from, "a filter has no control characters"));
        }
        let value = Written { from, comparison, is_part, text, is_quoted, is_beginning: false };
        if is_quoted {
            let is_beginning = !is_part && comparison.is_none() && self.take("*");
            if self.rest().starts_with(|character| !ends_value(character)) {
                return Err(self.error(self.at, "a comma or a blank must follow the closing quotation mark"));
            }
            return Ok(Written { is_beginning, ..value });
        }
        let has_asterisk = !is_part && comparison.is_none() && value.text.ends_with('*');
        let length = value.text.len() - usize::from(has_asterisk);
        if length == 0 && !has_asterisk {
            return Err(self.error(self.at, "a value is missing: write \"\" for an empty one, * for any"));
        }
        let text = match value.text {
            Cow::Borrowed(text) => text[..length].into(),
            Cow::Owned(text) => text.into(),
        };
        Ok(Written { text, is_beginning: has_asterisk, ..value })
    }

    /// Text in quotes, in which a backslash takes the meaning from a quotation mark or another backslash.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let (from, mut text) = (self.at, String::new());
        self.at += 1;
        loop {
            text.push_str(self.skip(|character| character != '"' && character != '\\'));
            if self.take("\"") {
                return Ok(text);
            }
            match self.rest().get(..2) {
                Some("\\\"") => text.push('"'),
                Some("\\\\") => text.push('\\'),
                _ if self.rest().is_empty() => return Err(self.error(from, "the closing quotation mark is missing")),
                _ => return Err(self.error(self.at, "after \\ in quotes must come \\ or a quotation mark")),
            }
            self.at += 2;
        }
    }

    /// What a value asks of a field. `is_bare` if the field was not named.
    fn test(&self, field: &FilterField, value: Written<'_>, is_bare: bool) -> Result<ValueTest, FilterError> {
        let Written { from, comparison, is_part, text, is_quoted, is_beginning } = value;
        let wrong = |problem: &dyn fmt::Display| self.error(from, problem);
        if is_beginning && text.is_empty() && !is_quoted && !is_bare {
            return Ok(ValueTest::Begins(String::new()));
        }
        let kind = field.kind(self.subject);
        let takes_parts = matches!(kind, FieldKind::Text | FieldKind::Json);
        if is_part && !takes_parts {
            return Err(wrong(&format_args!("{field} takes no ~")));
        }
        if let Some(comparison) =
            comparison.filter(|_| matches!(kind, FieldKind::Text | FieldKind::Digits { .. } | FieldKind::Word(_)))
        {
            let sign = comparison.sign();
            return Err(wrong(&format_args!("{field} takes no {sign}: put a value that begins so in quotes")));
        }
        if is_beginning && !takes_parts && !matches!(kind, FieldKind::Digits { .. }) {
            return Err(wrong(&format_args!("{field} takes no beginnings: * alone stands for any")));
        }
        let text = text.into_owned();
        match kind {
            FieldKind::Text | FieldKind::Json if is_part => {
                if text.is_empty() {
                    Err(wrong(&"~ needs some text behind it"))
                } else {
                    Ok(ValueTest::Contains(text))
                }
            }
            FieldKind::Text | FieldKind::Json if is_beginning => Ok(ValueTest::Begins(text)),
            FieldKind::Text => Ok(ValueTest::Is { text, is_quoted: false }),
            FieldKind::Json => match comparison {
                None => Ok(ValueTest::Is { text, is_quoted }),
                Some(comparison) if !is_quoted && json_path::number(&text).is_some() => {
                    Ok(ValueTest::Decimal(comparison, text))
                }
                Some(comparison) => Err(wrong(&format_args!("after {} must come a number", comparison.sign()))),
            },
            FieldKind::Digits { most, hyphens } => {
                let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f') || hyphens && byte == b'-';
                let is_whole = text.len() == most;
                let is_id = !text.is_empty()
                    && text.len() <= most
                    && text.bytes().all(is_digit)
                    && !(is_whole && hyphens && text.parse::<EventId>().is_err());
                match (is_id, is_bare) {
                    (true, _) if is_whole => Ok(ValueTest::Is { text, is_quoted: false }),
                    (true, _) => Ok(ValueTest::Begins(text)),
                    (false, true) => Err(wrong(&self.no_term())),
                    (false, false) => {
                        let digits = if hyphens { "0-9, a-f and -" } else { "0-9 and a-f" };
                        Err(wrong(&format_args!("{field} must be an id or its beginning: 1 to {most} of {digits}")))
                    }
                }
            }
            FieldKind::Word(words) => {
                if words.contains(&text.as_str()) {
                    return Ok(ValueTest::Is { text, is_quoted: false });
                }
                let alike = words.iter().filter_map(|word| Some((likeness(&text, word)?, *word)));
                let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
                let meant = nearest.map_or_else(String::new, |(_, word)| format!(", did you mean {word}?"));
                Err(wrong(&format_args!("{field} must be {}{meant}", words.join(" or "))))
            }
            FieldKind::Number { most } => {
                match text.parse().ok().filter(|number| *number <= most && !text.starts_with('+')) {
                    Some(number) => Ok(ValueTest::Number(comparison.unwrap_or(Comparison::Equal), number)),
                    None => Err(wrong(&format_args!("{field} must be a whole number from 0 to {most}"))),
                }
            }
            FieldKind::Age => {
                let comparison = comparison.ok_or_else(|| wrong(&format_args!("{field} needs > or <: {field}:>5m")))?;
                let age: Age = text.parse().map_err(|error| wrong(&format_args!("{field} {error}")))?;
                Ok(ValueTest::Age(comparison, age.0))
            }
            FieldKind::Moment => {
                let needs = || wrong(&format_args!("{field} needs > or <: {field}:>=2026-11-23T10:00:00Z"));
                let comparison = comparison.ok_or_else(needs)?;
                let at = text.parse().map_err(|_| wrong(&format_args!("{field} must be {}", Timestamp::MUST_BE)))?;
                Ok(ValueTest::Moment(comparison, at))
            }
        }
    }

    fn no_term(&self) -> &'static str {
        match self.subject {
            FilterSubject::DeadLetters => {
                "a term is a field and a value, such as queue:render, or the beginning of an id"
            }
            _ => "a term is a field and a value, such as status:failed, or the beginning of an id",
        }
    }
}
