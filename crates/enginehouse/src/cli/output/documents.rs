//! Answers for programs.

use std::io::IsTerminal;

use serde::Serialize;

use super::super::terminal_text;

pub(super) fn pretty(value: &impl Serialize) -> String {
    // These types hold nothing that JSON cannot say.
    for_stdout(serde_json::to_string_pretty(value).unwrap_or_default())
}

pub(super) fn compact(value: &impl Serialize) -> String {
    for_stdout(serde_json::to_string(value).unwrap_or_default())
}

/// From the JSON, so that it has the same fields in the same order: payloads are kept as JSON text.
pub(super) fn yaml(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut json = serde_json::Deserializer::from_str(&json);
    let yaml = serde_saphyr::to_string(&serde_transcode::Transcoder::new(&mut json)).unwrap_or_default();
    for_stdout(yaml.trim_end().to_owned())
}

/// A program gets it as it is; on a terminal nothing but text is shown.
fn for_stdout(text: String) -> String {
    if std::io::stdout().is_terminal() { terminal_text::json(text) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn yaml_has_the_fields_of_the_json_in_their_order() {
        #[derive(Serialize)]
        struct Thing {
            name: &'static str,
            at: &'static str,
            payload: Box<RawValue>,
            nothing: Option<u32>,
            lines: &'static str,
        }
        let payload =
            RawValue::from_string(r#"{"b":[1,2.5,"no"],"a":{},"n":18446744073709551615}"#.to_owned()).unwrap();
        let thing =
            Thing { name: "null", at: "2026-11-01T00:00:00.000Z", payload, nothing: None, lines: "one\ntwo: 2\n" };
        let shown = yaml(&thing);
        assert_eq!(
            shown,
            "name: \"null\"\nat: \"2026-11-01T00:00:00.000Z\"\npayload:\n  b:\n  - 1\n  - 2.5\n  - \"no\"\n  a: {}\n  \"n\": 18446744073709551615\nnothing: null\nlines: |\n  one\n  two: 2"
        );
        assert_eq!(yaml(&json!([])), "[]");
    }
}
