//! A strict parser of query strings that names every bad parameter, not only the first.

use enginehouse_core::invalid::{FieldError, Invalid, pointer_key};
use serde::de::DeserializeOwned;

/// Reads a query string, without its question mark.
///
/// # Errors
/// Every bad parameter, its pointer being `/` and its name.
pub fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Invalid> {
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut errors = Vec::new();
    loop {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let parser = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        let error = match serde_path_to_error::deserialize::<_, T>(parser) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(Invalid::fields(errors)),
            Err(error) => error,
        };
        let said = error.inner().to_string();
        let (name, detail) = match said.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(name) => (name.to_owned(), "given twice".to_owned()),
            None => (error.path().to_string(), said),
        };
        errors.push(FieldError { pointer: format!("/{}", pointer_key(&name)), detail });
        // Of a parameter given twice, the last goes; each round takes one pair away, so that this ends.
        let Some(place) = pairs.iter().rposition(|(key, _)| *key == name) else { return Err(Invalid::fields(errors)) };
        pairs.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventsQuery;

    fn wrong(query: &str) -> String {
        match parse::<EventsQuery>(query) {
            Ok(_) => "nothing".to_owned(),
            Err(invalid) => invalid.to_string(),
        }
    }

    #[test]
    fn a_query_is_read_with_its_types() {
        let read: EventsQuery =
            parse("status=queued&limit=7&enqueued_after=2026-11-23T12:00:00%2B02:00&event_type=frame.render").unwrap();
        assert_eq!(read.limit, Some(7));
        assert_eq!(read.enqueued_after.unwrap().to_string(), "2026-11-23T10:00:00.000Z");
        assert_eq!(wrong(""), "nothing");
    }

    #[test]
    fn every_bad_parameter_is_named() {
        let said = wrong("status=done&limit=many&sort=up&queue=a%20b&queue=c");
        let pointers: Vec<_> = said.split("; /").map(|error| error.split(':').next().unwrap_or("")).collect();
        assert_eq!(pointers, ["/status", "limit", "sort", "queue", "queue"], "{said}");
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(wrong("limit=1&limit=2"), "/limit: given twice");
    }
}
