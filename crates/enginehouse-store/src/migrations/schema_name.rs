//! The PostgreSQL schema in which Enginehouse lives.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The word that stands for the schema in migrations and statements.
const PLACEHOLDER: &str = "enginehouse";
/// PostgreSQL cuts what is longer, and two names may become one.
const MAX_BYTES: usize = 63;

/// The name of a schema, as PostgreSQL keeps it: any text of up to 63 bytes, but for what could end the text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaName(String);

/// Why a text is not the name of a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be the name of a schema: {1}")]
pub struct NotASchemaName(String, &'static str);

impl SchemaName {
    /// The name as it is kept, and as catalogs show it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the one that migrations and statements are written with.
    pub fn is_default(&self) -> bool {
        self.0 == PLACEHOLDER
    }

    /// The name as SQL has it: in quotes, unless it surely needs none.
    pub fn quoted(&self) -> Cow<'_, str> {
        if self.is_plain() {
            Cow::Borrowed(&self.0)
        } else {
            Cow::Owned(format!("\"{}\"", self.0.replace('"', "\"\"")))
        }
    }

    /// A statement of ours with this schema in place of `enginehouse`, wherever that is a word of its own, also at the beginning
    /// of a text, such as `'enginehouse.events'::regclass`.
    pub fn replace_in<'a>(&self, statement: &'a str) -> Cow<'a, str> {
        if self.is_default() {
            return Cow::Borrowed(statement);
        }
        let quoted = self.quoted();
        let mut placed = String::with_capacity(statement.len());
        let mut rest = 0;
        for at in words(statement) {
            placed.push_str(&statement[rest..at]);
            match statement[..at].ends_with('\'') {
                true => placed.push_str(&quoted.replace('\'', "''")),
                false => placed.push_str(&quoted),
            }
            rest = at + PLACEHOLDER.len();
        }
        placed.push_str(&statement[rest..]);
        Cow::Owned(placed)
    }

    /// Whether it surely needs no quotes. There is no list of key words here, so only our own word and what begins with it.
    fn is_plain(&self) -> bool {
        let starts = self.0.starts_with(|first: char| first.is_ascii_lowercase());
        let continues = self.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        starts && continues && (self.is_default() || self.0.starts_with("enginehouse_"))
    }
}

/// Where the placeholder stands as a word of its own.
pub(super) fn words(statement: &str) -> impl Iterator<Item = usize> {
    let within_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    statement
        .match_indices(PLACEHOLDER)
        .map(|(at, _)| at)
        .filter(move |&at| !statement[..at].ends_with(within_a_word))
        .filter(move |&at| !statement[at + PLACEHOLDER.len()..].starts_with(within_a_word))
}

impl Default for SchemaName {
    fn default() -> Self {
        Self(PLACEHOLDER.to_owned())
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SchemaName {
    type Err = NotASchemaName;

    fn from_str(name: &str) -> Result<Self, NotASchemaName> {
        let why = if name.is_empty() {
            "it is empty"
        } else if name.len() > MAX_BYTES {
            "it is longer than 63 bytes"
        } else if name.chars().any(char::is_control) {
            "it has a control character"
        } else if name.contains('$') {
            // It could end the body of a function.
            "it has a dollar sign"
        } else if name.starts_with("pg_") || name == "information_schema" {
            "PostgreSQL keeps it for itself"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(NotASchemaName(name.to_owned(), why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_unless_it_is_a_plain_word() {
        for (name, quoted) in [
            ("enginehouse", "enginehouse"),
            ("enginehouse_2", "enginehouse_2"),
            ("user", "\"user\""),
            ("my Queue", "\"my Queue\""),
            ("a\"b", "\"a\"\"b\""),
            ("Ünicode's", "\"Ünicode's\""),
        ] {
            assert_eq!(name.parse::<SchemaName>().unwrap().quoted(), quoted);
        }
    }

    #[test]
    fn what_could_end_the_text_around_it_is_no_name() {
        for name in ["", "a\nb", "a\0", "a$b", "pg_queue", "information_schema", &"ä".repeat(32)] {
            assert!(name.parse::<SchemaName>().is_err(), "{name:?}");
        }
        assert!("a".repeat(63).parse::<SchemaName>().is_ok());
    }

    #[test]
    fn the_schema_takes_the_place_of_the_word_and_of_nothing_else() {
        let statement = "create function enginehouse.wake() set search_path = enginehouse, pg_temp\n\
                         as $$ select enginehouse.f('enginehouse_events', my_enginehouse, enginehouses, Enginehouse) $$;";
        let placed = "create function \"my Queue\".wake() set search_path = \"my Queue\", pg_temp\n\
                      as $$ select \"my Queue\".f('enginehouse_events', my_enginehouse, enginehouses, Enginehouse) $$;";
        assert_eq!("my Queue".parse::<SchemaName>().unwrap().replace_in(statement), placed);
        assert_eq!(SchemaName::default().replace_in(statement), statement);
        let name: SchemaName = "it's".parse().unwrap();
        assert_eq!(name.replace_in("'enginehouse.meta'::regclass"), "'\"it''s\".meta'::regclass");
    }
}
