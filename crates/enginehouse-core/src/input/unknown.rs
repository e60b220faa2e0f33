//! Fields that an object has not: which one was meant, and once for each kind of object which there are.

use std::cell::RefCell;
use std::fmt;

/// From here on two names are alike (Jaro and Winkler): `lables` and `labels` are, `timeout` and `run_at` are not.
const ALIKE: f64 = 0.85;
/// A longer key is no mistyped name.
const LONGEST_MISTYPED: usize = 60;

/// The kinds of objects whose fields were listed in an error, so that each is listed once.
#[derive(Default)]
pub(super) struct ListedFields(RefCell<Vec<&'static [&'static str]>>);

impl ListedFields {
    /// Answers whether they were listed before. From now on they are.
    pub(super) fn note(&self, names: &'static [&'static str]) -> bool {
        let mut listed = self.0.borrow_mut();
        let was_listed = listed.contains(&names);
        if !was_listed {
            listed.push(names);
        }
        was_listed
    }
}

/// What an error says of a field that its object has not.
pub(super) struct UnknownField<'a> {
    pub(super) key: &'a str,
    pub(super) names: &'static [&'static str],
    /// Whether another error lists them already.
    pub(super) is_listed: bool,
}

impl fmt::Display for UnknownField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, names, is_listed } = self;
        match (nearest(key, names), is_listed) {
            (Some(meant), true) => write!(f, "unknown, did you mean {meant}?"),
            (Some(meant), false) => write!(f, "unknown, did you mean {meant}? It must be {}", either(names)),
            (None, true) => f.write_str("unknown"),
            (None, false) => write!(f, "unknown, must be {}", either(names)),
        }
    }
}

/// The name that is written nearly so, or begins so.
fn nearest(key: &str, names: &[&'static str]) -> Option<&'static str> {
    let alike = names.iter().filter_map(|name| Some((likeness(key, name)?, *name)));
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name)
}

/// How much a word is like the name that may have been meant, up to 1; none if it hardly is. Case and separators are those
/// of other languages.
pub fn likeness(word: &str, name: &str) -> Option<f64> {
    if word.len() > LONGEST_MISTYPED {
        return None;
    }
    let letters = |text: &str| text.replace(['_', '-', ' ', '.'], "").to_lowercase();
    let (word, name) = (letters(word), letters(name));
    let is_beginning = word.len() >= 3 && name.starts_with(&word);
    let alike = strsim::jaro_winkler(&word, &name);
    (alike >= ALIKE || is_beginning).then_some(alike)
}

/// Words as a choice: `a, b or c`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_by_what_is_nearly_it() {
        let names = ["event_type", "payload", "queue", "priority", "max_retries", "labels"];
        let check = |key: &str, want: Option<&str>| assert_eq!(nearest(key, &names), want, "{key}");
        check("prio", Some("priority"));
        check("eventType", Some("event_type"));
        check("event-type", Some("event_type"));
        check("lables", Some("labels"));
        check("maxRetries", Some("max_retries"));
        check("queu", Some("queue"));
        check("event", Some("event_type"));
        check("timeout", None);
        check("no_such_field", None);
        check("", None);
        check(&"priority".repeat(100), None);
    }
}
