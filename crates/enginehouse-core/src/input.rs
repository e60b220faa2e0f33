//! Reading what a caller sent, value by value: each mistake is noted where it is, and all are named at once.
//!
//! serde would stop at the first mistake and describe it in its own terms. So serde_json decides only whether a body is
//! JSON at all, and what its strings say. From there on a [`Value`] is the text of one value: it is read as what it must
//! be, or it notes what it must be and what it was. An object is read by [`read_fields!`](crate::read_fields), which
//! names each field once. Queries and paths are read by the same functions: their values are plain text.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use strum::VariantArray;

use crate::invalid::{Invalid, InvalidKind};
use crate::json::{RawJson, without_lone_surrogates};
use crate::limits::MAX_FIELD_ERRORS;

mod errors;
mod malformed;
mod split;
mod unknown;

use errors::{Errors, Location, PathSegment};
use malformed::{malformed, not_json};
use split::Outermost;
use unknown::either;
pub use unknown::likeness;

/// How much of a value is shown in an error, in characters.
const MAX_SHOWN: usize = 40;

/// Reads a JSON body.
///
/// # Errors
/// The body is not JSON: where, and why. Or every field that is not as `read` wants it.
pub fn read_json<T>(body: &[u8], read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, Invalid> {
    let text = std::str::from_utf8(body).map_err(|error| malformed(body, error.valid_up_to(), "is not UTF-8"))?;
    let outermost = Outermost::of(text).map_err(|error| not_json(text, &error))?;
    let text = match &outermost {
        Outermost::Object(members) => Text::Outermost(text.trim_ascii(), members),
        Outermost::Other => Text::Json(text.trim_ascii()),
    };
    let errors = Errors::default();
    let read = read(Value { text, location: &Location::ROOT, errors: &errors });
    errors.finish(read)
}

/// Reads the parameters of a query: names and values, decoded.
///
/// # Errors
/// Every parameter that is not as `read` wants it.
pub fn read_query<T>(
    parameters: &[(Cow<'_, str>, Cow<'_, str>)],
    read: impl FnOnce(Value<'_>) -> Option<T>,
) -> Result<T, Invalid> {
    let errors = Errors::default();
    let read = read(Value { text: Text::Query(parameters), location: &Location::ROOT, errors: &errors });
    errors.finish(read)
}

/// Reads the parameter `name` of a path.
///
/// # Errors
/// What it must be, and what it was.
pub fn read_parameter<T>(name: &str, text: &str, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, Invalid> {
    let errors = Errors::default();
    let location = Location { parent: Some(&Location::ROOT), segment: PathSegment::Key(name) };
    let read = read(Value { text: Text::Plain(text), location: &location, errors: &errors });
    errors.finish(read)
}

/// A value that is written as text of a certain form: a name, an id, a moment.
pub trait Textual: FromStr {
    /// What the text must be, as it follows "must be".
    const MUST_BE: &'static str;
    /// Whether an error may show a wrong one. What may be a secret is not shown.
    const MAY_BE_SHOWN: bool = true;
}

/// One value that a caller sent.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    text: Text<'a>,
    location: &'a Location<'a>,
    errors: &'a Errors,
}

#[derive(Clone, Copy)]
enum Text<'a> {
    /// The outermost object as it was sent, and its members with their keys as they were written.
    Outermost(&'a str, &'a [(&'a str, &'a str)]),
    /// One JSON value, without space around it.
    Json(&'a str),
    /// A JSON value with what follows it: the first to find its end sets its length.
    Element(&'a str, &'a Cell<usize>),
    /// Text that needs no quotes.
    Plain(&'a str),
    /// All parameters of a query.
    Query(&'a [(Cow<'a, str>, Cow<'a, str>)]),
}

impl<'a> Value<'a> {
    /// Notes that the value is wrong.
    pub fn refuse(self, detail: impl Display) {
        self.errors.note(self.location, detail);
    }

    /// Notes that the field `name` of this object is wrong.
    pub fn refuse_field(self, name: &str, detail: impl Display) {
        self.errors.note(&self.location.key(name), detail);
    }

    fn must_be(self, what: impl Display) {
        self.refuse(format_args!("must be {what}, was {}", self.shown()));
    }

    /// The value as an error shows it: containers by their kind, and long text cut.
    fn shown(self) -> Cow<'a, str> {
        let text = match self.text {
            Text::Outermost(..) => return "an object".into(),
            Text::Query(_) => return "a query".into(),
            Text::Json(text) | Text::Element(text, _) => match text.as_bytes().first() {
                Some(b'{') => return "an object".into(),
                Some(b'[') => return "an array".into(),
                _ => Cow::Borrowed(self.as_literal()),
            },
            Text::Plain(text) => serde_json::Value::from(text).to_string().into(),
        };
        match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]).into(),
            None => text,
        }
    }

    /// The text of a JSON string, or plain text.
    fn as_text(self) -> Option<Cow<'a, str>> {
        match self.text {
            Text::Plain(text) => Some(text.into()),
            _ => split::string(self.as_literal()),
        }
    }

    /// The value as it is written.
    fn as_literal(self) -> &'a str {
        match self.text {
            Text::Json(text) | Text::Plain(text) => text,
            Text::Element(text, length) => {
                let (value, _) = split::first_value(text).unwrap_or((text, ""));
                length.set(value.len());
                value
            }
            Text::Outermost(text, _) => text,
            Text::Query(_) => "",
        }
    }

    pub fn is_null(self) -> bool {
        matches!(self.text, Text::Json("null"))
    }

    /// Reads the value unless it is null, which counts as absent.
    pub fn unless_null<T>(self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        if self.is_null() { None } else { read(self) }
    }

    /// Text of any length.
    pub fn text(self) -> Option<String> {
        let text = self.as_text();
        if text.is_none() {
            self.must_be("a string");
        }
        text.map(Cow::into_owned)
    }

    /// Text of any length, of which nothing is refused: half of a surrogate pair becomes U+FFFD. For what somebody has to
    /// get through with.
    pub fn lossy_text(self) -> Option<String> {
        match self.text {
            Text::Plain(_) => self.text(),
            _ => match split::lossy_string(self.as_literal()) {
                None => self.text(),
                decoded => decoded,
            },
        }
    }

    /// Text on one line, of which nothing is refused: what may not stand in a line becomes U+FFFD, and the rest is cut.
    pub fn lossy_line(self, length: usize) -> Option<String> {
        let visible = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
        Some(self.lossy_text()?.chars().map(visible).take(length).collect())
    }

    /// Any JSON value, with U+FFFD for half of a surrogate pair, or why it can't be kept.
    ///
    /// # Errors
    /// Why it can't be kept.
    pub fn lossy_json(self, max_bytes: usize) -> Result<RawJson, String> {
        let text = without_lone_surrogates(self.as_literal());
        if text.len() > max_bytes {
            return Err(format!("at most {max_bytes} bytes, was {}", text.len()));
        }
        let json = RawJson::trusted(text);
        json.check()?;
        Ok(json)
    }

    /// Text on one line, of so many characters.
    pub fn line(self, length: RangeInclusive<usize>) -> Option<String> {
        let is_line =
            |text: &Cow<'_, str>| length.contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let line = self.as_text().filter(is_line);
        if line.is_none() {
            let bounds = if *length.start() == 0 { "at most".to_owned() } else { format!("{} to", length.start()) };
            self.must_be(format_args!(
                "a string of {bounds} {} characters, none of them a control character",
                length.end()
            ));
        }
        line.map(Cow::into_owned)
    }

    /// Text of a certain form.
    pub fn parsed<T: Textual>(self) -> Option<T> {
        let read = self.as_text().and_then(|text| text.parse().ok());
        match read {
            None if T::MAY_BE_SHOWN => self.must_be(T::MUST_BE),
            None => self.refuse(format_args!("must be {}", T::MUST_BE)),
            Some(_) => {}
        }
        read
    }

    /// One of the words of an enum.
    pub fn word<T: FromStr + VariantArray + Copy + Into<&'static str>>(self) -> Option<T> {
        let read = self.as_text().and_then(|text| text.parse().ok());
        if read.is_none() {
            let words: Vec<&str> = T::VARIANTS.iter().map(|word| (*word).into()).collect();
            self.must_be(either(&words));
        }
        read
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        let read = self.as_literal().parse().ok();
        if read.is_none() {
            self.must_be("true or false");
        }
        read
    }

    /// Any whole number.
    pub fn integer(self) -> Option<i64> {
        let read = self.parse_whole();
        if read.is_none() {
            self.must_be("a whole number");
        }
        read
    }

    /// A whole number without an upper limit of its own.
    pub fn whole_from(self, min: u64) -> Option<u64> {
        let read = self.parse_whole().filter(|number| *number >= min);
        if read.is_none() {
            self.must_be(format_args!("a whole number of {min} or more"));
        }
        read
    }

    /// A whole number within a range.
    pub fn whole<N: Copy + PartialOrd + Display + TryFrom<i128>>(self, range: RangeInclusive<N>) -> Option<N> {
        let read = self
            .parse_whole::<i128>()
            .and_then(|number| N::try_from(number).ok())
            .filter(|number| range.contains(number));
        if read.is_none() {
            self.must_be(format_args!("a whole number between {} and {}", range.start(), range.end()));
        }
        read
    }

    /// A whole number, also one that is written as many programs write a double: `5.0`, which is a whole number to JSON Schema.
    /// Whole numbers have no negative zero: to most readers of JSON, `-0` is the double.
    fn parse_whole<N: FromStr>(self) -> Option<N> {
        let text = self.as_literal();
        let digits = match text.split_once('.') {
            Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
            _ => text,
        };
        Some(digits).filter(|digits| *digits != "-0")?.parse().ok()
    }

    /// A number within a range.
    pub fn number(self, range: RangeInclusive<f64>) -> Option<f64> {
        let text = self.as_literal();
        // Rust reads words, such as `inf`, as numbers too.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let read = text.parse().ok().filter(|number| is_number && range.contains(number));
        if read.is_none() {
            self.must_be(format_args!("a number between {} and {}", range.start(), range.end()));
        }
        read
    }

    /// Any JSON value, kept as the text that was sent.
    pub fn json(self, max_bytes: usize) -> Option<RawJson> {
        let text = self.as_literal();
        if text.len() > max_bytes {
            self.too_large(max_bytes, text.len());
            return None;
        }
        let json = RawJson::trusted(text);
        json.check().map_err(|why| self.refuse(why)).ok()?;
        Some(json)
    }

    /// Notes that the value has too many bytes.
    pub fn too_large(self, max_bytes: usize, size: usize) {
        self.refuse(format_args!("at most {max_bytes} bytes, was {size}"));
        self.errors.too_large.set(self.errors.too_large.get() + 1);
    }

    /// The elements of an array of such a length, in their order.
    pub fn list<T>(self, length: RangeInclusive<usize>, read: impl Fn(Value<'_>) -> Option<T>) -> Option<Vec<T>> {
        let must_be = |was: &dyn Display| {
            let bounds = if *length.start() == 0 { "at most".to_owned() } else { format!("{} to", length.start()) };
            self.refuse(format_args!("must be an array of {bounds} {}, was {was}", length.end()));
        };
        let (mut count, mut items) = (0, Vec::new());
        let elements = split::elements(self.as_literal(), |element| {
            let length_read = Cell::new(0);
            if count < *length.end() && !self.errors.are_enough() {
                let location = Location { parent: Some(self.location), segment: PathSegment::Index(count) };
                let text = Text::Element(element, &length_read);
                items.extend(read(Value { text, location: &location, errors: self.errors }));
            }
            count += 1;
            length_read.get()
        });
        if elements.is_none() {
            must_be(&self.shown());
            return None;
        }
        if !length.contains(&count) {
            must_be(&format_args!("an array of {count}"));
        }
        Some(items)
    }

    /// Reads the value by itself: what is wrong with it is nobody else's mistake.
    ///
    /// # Errors
    /// Every bad field of it, by its pointer in the whole input.
    pub fn alone<T>(self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, Invalid> {
        let errors = Errors::default();
        let read = read(Value { text: self.text, location: self.location, errors: &errors });
        errors.finish(read)
    }

    /// If the input is refused as a whole, notes what is wrong with this part of it too.
    pub fn refuse_too<'i>(self, parts: impl Iterator<Item = &'i Invalid>) {
        if self.errors.found.borrow().is_empty() {
            return;
        }
        let mut found = self.errors.found.borrow_mut();
        for part in parts {
            let room = MAX_FIELD_ERRORS.saturating_sub(found.len()).min(part.errors.len());
            found.extend_from_slice(&part.errors[..room]);
            let too_large = if part.kind == InvalidKind::TooLarge { room } else { 0 };
            self.errors.too_large.set(self.errors.too_large.get() + too_large);
        }
    }

    /// The members of an object whose keys are the caller's: `each` gets them in their order, and none twice.
    pub fn members(self, mut each: impl FnMut(&str, Value<'_>)) -> Option<()> {
        let length = Cell::default();
        let Some(members) = split::members(self.as_literal(), &length) else {
            self.must_be("an object");
            return None;
        };
        let mut seen = std::collections::HashSet::new();
        for (key, value) in members {
            let location = self.location.key(&key);
            let value = Value { text: Text::Json(value), location: &location, errors: self.errors };
            if self.errors.are_enough() {
                break;
            }
            if seen.contains(&key) {
                value.refuse("given twice");
            } else {
                each(&key, value);
                seen.insert(key.clone());
            }
        }
        Some(())
    }

    /// The fields of an object that has these and no others. For [`read_fields!`](crate::read_fields).
    pub fn fields<const N: usize>(self, names: &'static [&'static str; N]) -> Option<Fields<'a, N>> {
        let mut fields = Fields { object: self, names, given: [None; N], next: 0 };
        let unknown_length = Cell::default();
        let (text, length) = match self.text {
            Text::Query(parameters) => {
                parameters.iter().for_each(|(key, value)| fields.give(key, Text::Plain(value)));
                return Some(fields);
            }
            Text::Outermost(_, members) => {
                members.iter().for_each(|(key, value)| fields.give(&split::key_text(key), Text::Json(value)));
                return Some(fields);
            }
            Text::Element(text, length) => (text, length),
            Text::Json(text) | Text::Plain(text) => (text, &unknown_length),
        };
        let Some(members) = split::members(text, length) else {
            self.must_be("an object");
            return None;
        };
        members.for_each(|(key, value)| fields.give(&key, Text::Json(value)));
        Some(fields)
    }
}

/// The fields of an object. They are read in the order of their names.
pub struct Fields<'a, const N: usize> {
    object: Value<'a>,
    names: &'static [&'static str; N],
    given: [Option<Text<'a>>; N],
    next: usize,
}

impl<'a, const N: usize> Fields<'a, N> {
    fn give(&mut self, key: &str, value: Text<'a>) {
        match self.names.iter().position(|name| *name == key) {
            None => self.object.errors.note_unknown(&self.object.location.key(key), key, self.names),
            Some(index) if self.given[index].is_some() => self.object.refuse_field(key, "given twice"),
            Some(index) => self.given[index] = Some(value),
        }
    }

    /// Reads the next field, if it is there.
    fn next<T>(
        &mut self,
        counts: fn(Value<'_>) -> bool,
        read: impl FnOnce(Value<'_>) -> Option<T>,
        absent: impl FnOnce(Value<'_>) -> Option<T>,
    ) -> Option<T> {
        let index = self.next;
        self.next += 1;
        let location = self.object.location.key(self.names[index]);
        let value = |text| Value { text, location: &location, errors: self.object.errors };
        match self.given[index].map(value).filter(|value| counts(*value)) {
            Some(given) => read(given),
            None => absent(value(Text::Plain(""))),
        }
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        self.next(
            |_| true,
            read,
            |missing| {
                missing.refuse("required, but missing");
                None
            },
        )
    }

    /// A field that may be left out, or null.
    pub fn optional<T>(&mut self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        self.next(|value| !value.is_null(), read, |_| None)
    }

    /// A field that may be left out, but is not null unless null is a value of it.
    pub fn given<T>(&mut self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        self.next(|_| true, read, |_| None)
    }

    /// A field that may be left out for its default.
    pub fn or_default<T: Default>(&mut self, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        self.next(|_| true, read, |_| Some(T::default()))
    }
}

/// Reads the fields of an object into variables of their names, or returns none from the function if it is no object.
/// Each has a way to be read ([`Fields`]) and what it is read as.
///
/// ```
/// # use enginehouse_core::input::Value;
/// fn pause(value: Value<'_>) -> Option<(String, u64)> {
///     enginehouse_core::read_fields!(value;
///         queue: required(|value| value.text()),
///         seconds: optional(|value| value.whole(1..=60)),
///     );
///     Some((queue?, seconds.unwrap_or(10)))
/// }
/// let refused = enginehouse_core::input::read_json(br#"{"seconds":99}"#, pause).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "/queue: required, but missing; /seconds: must be a whole number between 1 and 60, was 99"
/// );
/// ```
#[macro_export]
macro_rules! read_fields {
    ($value:expr; $($name:ident: $way:ident($read:expr)),+ $(,)?) => {
        let mut fields = $value.fields(&[$(stringify!($name)),+])?;
        $(let $name = fields.$way($read);)+
    };
}

#[cfg(test)]
mod tests;
