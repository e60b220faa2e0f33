//! Fills the lists of columns into the text of a statement, when the program is compiled.
//!
//! A statement in a file names a list instead of repeating it. `?` and `$` are the parameters of SQLite and PostgreSQL:
//!
//! | in the file | in the statement |
//! |---|---|
//! | `{engine_columns}` | `engine_id, engine_type, …` |
//! | `{e.engine_columns}` | `e.engine_id, e.engine_type, …` |
//! | `{engine_values}` | `?, ?, …` |
//! | `{engine_set}` | `engine_id = ?, engine_type = ?, …` |
//! | `{c.engine_set}` | `engine_id = c.engine_id, engine_type = c.engine_type, …` |
//! | `{3.engine_arrays}` | `$3::text[], $4::text[], …` |
//! | `{source}` | what the caller of `sql!` gives for `source` |
//!
//! A list that does not exist is an error of the compiler.

use super::column::{Column, equal};
use super::lists::{LISTS, List};

/// The text of a statement from a template, as a `&'static str`.
macro_rules! filled {
    ($template:expr $(, $part:ident = $text:expr)* $(,)?) => {{
        const TEMPLATE: &str = $template;
        const PARTS: &[(&str, &str)] = &[$((stringify!($part), $text)),*];
        // Once to measure, once to write.
        const LENGTH: usize = $crate::table::sql::fill(TEMPLATE, PARTS, &mut []);
        const BYTES: [u8; LENGTH] = {
            let mut bytes = [0; LENGTH];
            $crate::table::sql::fill(TEMPLATE, PARTS, &mut bytes);
            bytes
        };
        const TEXT: &str = match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("a statement is UTF-8"),
        };
        TEXT
    }};
}
pub(crate) use filled;

/// Writes the filled text as far as there is room for it. Answers how long it is.
pub(crate) const fn fill(template: &str, parts: &[(&str, &str)], into: &mut [u8]) -> usize {
    let mut out = Out { into, length: 0 };
    let mut rest = template.as_bytes();
    while let Some(open) = find(rest, b'{') {
        let (before, from) = rest.split_at(open);
        out.push(before);
        let (inside, behind) = between_braces(from);
        if inside.is_empty() {
            // An empty array of PostgreSQL.
            out.push(b"{}");
        } else {
            out.push_placeholder(inside, parts);
        }
        rest = behind;
    }
    out.push(rest);
    out.length
}

const fn between_braces(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(close) = find(text, b'}') else { panic!("a brace is not closed") };
    (text.split_at(close).0.split_at(1).1, text.split_at(close + 1).1)
}

struct Out<'a> {
    into: &'a mut [u8],
    length: usize,
}

impl Out<'_> {
    const fn push(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() {
            if self.length < self.into.len() {
                self.into[self.length] = text[at];
            }
            self.length += 1;
            at += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    const fn push_placeholder(&mut self, inside: &[u8], parts: &[(&str, &str)]) {
        let mut at = 0;
        while at < parts.len() {
            if equal(inside, parts[at].0.as_bytes()) {
                self.push(parts[at].1.as_bytes());
                return;
            }
            at += 1;
        }
        let (before, name) = match find(inside, b'.') {
            Some(dot) => (inside.split_at(dot).0, inside.split_at(dot + 1).1),
            None => (inside.split_at(0).0, inside),
        };
        let Some(underscore) = find_last(name, b'_') else { panic!("neither a list of columns nor a part") };
        let (list, shape) = (list(name.split_at(underscore).0), name.split_at(underscore + 1).1);
        let shape = Shape::of(shape, before);
        let (mut group, mut count) = (0, 0);
        while group < list.len() {
            let mut at = 0;
            while at < list[group].len() {
                if count > 0 {
                    self.push(b", ");
                }
                self.push_column(&list[group][at], &shape, count);
                count += 1;
                at += 1;
            }
            group += 1;
        }
    }

    const fn push_column(&mut self, column: &Column, shape: &Shape<'_>, place: usize) {
        let name = column.name.as_bytes();
        match shape {
            Shape::Columns { alias } => self.push_qualified(alias, name),
            Shape::Values => self.push(b"?"),
            Shape::Set { alias } => {
                self.push(name);
                self.push(b" = ");
                if alias.is_empty() { self.push(b"?") } else { self.push_qualified(alias, name) }
            }
            Shape::Arrays { first } => {
                self.push(b"$");
                self.push_number(*first + place);
                self.push(b"::");
                self.push(column.kind.type_name().as_bytes());
                self.push(b"[]");
            }
        }
    }

    const fn push_qualified(&mut self, alias: &[u8], name: &[u8]) {
        if !alias.is_empty() {
            self.push(alias);
            self.push(b".");
        }
        self.push(name);
    }
}

enum Shape<'a> {
    Columns { alias: &'a [u8] },
    Values,
    Set { alias: &'a [u8] },
    Arrays { first: usize },
}

impl<'a> Shape<'a> {
    const fn of(shape: &[u8], before: &'a [u8]) -> Self {
        match shape {
            b"columns" => Self::Columns { alias: before },
            b"values" => Self::Values,
            b"set" => Self::Set { alias: before },
            b"arrays" => Self::Arrays { first: number(before) },
            _ => panic!("columns are wanted as _columns, _values, _set or _arrays"),
        }
    }
}

const fn list(name: &[u8]) -> List {
    let mut at = 0;
    while at < LISTS.len() {
        if equal(name, LISTS[at].0.as_bytes()) {
            return LISTS[at].1;
        }
        at += 1;
    }
    panic!("there is no list of columns of this name")
}

const fn number(digits: &[u8]) -> usize {
    let (mut number, mut at) = (0, 0);
    while at < digits.len() {
        number = number * 10 + (digits[at] - b'0') as usize;
        at += 1;
    }
    number
}

const fn find(text: &[u8], byte: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        if text[at] == byte {
            return Some(at);
        }
        at += 1;
    }
    None
}

const fn find_last(text: &[u8], byte: u8) -> Option<usize> {
    let mut at = text.len();
    while at > 0 {
        at -= 1;
        if text[at] == byte {
            return Some(at);
        }
    }
    None
}

/// The same at run time, for tests that read the files by name.
#[cfg(test)]
pub(crate) fn filled_text(template: &str, parts: &[(&str, &str)]) -> String {
    let mut bytes = vec![0; fill(template, parts, &mut [])];
    fill(template, parts, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_lists_in_five_shapes() {
        for (template, expected) in [
            ("select {chain_end_columns} from a", "select name, position, hash from a"),
            ("{a.chain_end_columns}", "a.name, a.position, a.hash"),
            ("values ({chain_end_values})", "values (?, ?, ?)"),
            ("{chain_end_set}", "name = ?, position = ?, hash = ?"),
            ("{x.chain_end_set}", "name = x.name, position = x.position, hash = x.hash"),
            ("{9.chain_end_arrays}", "$9::text[], $10::bigint[], $11::bytea[]"),
            ("from {source} order", "from here order"),
            ("coalesce(a, '{}')", "coalesce(a, '{}')"),
        ] {
            assert_eq!(filled_text(template, &[("source", "here")]), expected);
        }
        assert_eq!(filled!("({chain_end_values}), {end}", end = "ü"), "(?, ?, ?), ü");
    }

    #[test]
    #[should_panic(expected = "no list of columns of this name")]
    fn a_list_that_does_not_exist_is_noticed() {
        filled_text("{engnie_columns}", &[]);
    }
}
