//! SQL as a text in which code can be searched.

/// The SQL with blanks for its comments and for what stands between quotes, so that every place stays where it is.
pub(super) fn code_of(sql: &str) -> String {
    let mut code = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let (length, shown) = if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), 0)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), 0)
        } else if matches!(c, '\'' | '"') {
            // A doubled quote within is the end of one text and the beginning of the next: the same for searching.
            (rest[1..].find(c).map_or(rest.len(), |end| end + 2), 1)
        } else {
            (c.len_utf8(), c.len_utf8())
        };
        let (this, after) = rest.split_at(length);
        code += &this[..shown];
        code.extend(this[shown..].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = after;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_blank_and_nothing_moves() {
        for (sql, code) in [
            ("a -- b; 'c\nd", "a         \nd"),
            ("a /* b;\n */ c", "a      \n    c"),
            ("'b;\nß' || \"c\"", "'  \n    || \"  "),
            ("'it''s' b", "'   '   b"),
        ] {
            assert_eq!(code_of(sql), code);
            assert_eq!(code.len(), sql.len());
        }
    }
}
