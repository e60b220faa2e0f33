//! Texts as Python writes them.

/// A literal of Python that means exactly this text: raw and over several lines, if that is possible.
pub(super) fn literal(text: &str) -> String {
    let survives = |c: char| !c.is_control() || c == '\n';
    let is_raw = text.chars().all(survives) && !text.contains("\"\"\"") && !text.ends_with(['"', '\\']);
    if is_raw && text.contains(['\n', '\\', '"']) {
        return format!("r\"\"\"{text}\"\"\"");
    }
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            _ if c.is_control() => literal.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_survives_whatever_is_in_it() {
        for (text, want) in [
            ("drop schema enginehouse;", r#""drop schema enginehouse;""#),
            ("select 1,\n  '%\\d' $$a;$$ :x;", "r\"\"\"select 1,\n  '%\\d' $$a;$$ :x;\"\"\""),
            ("\"my Queue\".f();", "r\"\"\"\"my Queue\".f();\"\"\""),
            ("a\"\"\"b\\;", r#""a\"\"\"b\\;""#),
            ("a\\", r#""a\\""#),
            ("\ta\u{7f}", r#""\x09a\x7f""#),
        ] {
            assert_eq!(literal(text), want);
        }
    }
}
