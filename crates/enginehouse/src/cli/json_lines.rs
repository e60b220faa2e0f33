//! Log lines as JSON: one flat object for each, so that every field can be searched by its name.
//!
//! The library's own format puts the fields of spans into an object of their own, and the name of a field twice into one object where
//! a line and its span share it. Here the line's own value stands.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes each line as a flat object. Goes with [`JsonFields`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = JsonLine::new(event.metadata().level().as_str(), event.metadata().target());
        event.record(&mut line);
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>().map_or("", |fields| fields.as_str());
            for (name, value) in serde_json::from_str::<Map<String, Value>>(fields).unwrap_or_default() {
                line.add(&name, &value);
            }
        }
        out.write_str(&line.end())
    }
}

/// An object that is being written.
pub(crate) struct JsonLine {
    text: String,
    names: HashSet<String>,
}

impl JsonLine {
    /// A line of now.
    pub(crate) fn new(level: &str, target: &str) -> Self {
        let mut line = Self { text: String::with_capacity(512), names: HashSet::new() };
        let mut time = String::with_capacity(32);
        // Writing to a text does not fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        line.add("timestamp", &time);
        line.add("level", level);
        line.add("target", target);
        line
    }

    /// Adds a field, unless there is one of that name.
    pub(crate) fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        if !self.names.insert(name.to_owned()) {
            return;
        }
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        // Texts and numbers are always JSON; a number that is none becomes null.
        self.text.push_str(&serde_json::to_string(name).unwrap_or_default());
        self.text.push(':');
        self.text.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()));
    }

    /// The whole line.
    pub(crate) fn end(mut self) -> String {
        self.text.push_str("}\n");
        self.text
    }
}

impl Visit for JsonLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_flat_object_with_the_fields_of_its_spans() {
        let lines = Lines::default();
        let out = lines.clone();
        let layer = tracing_subscriber::fmt::layer().event_format(JsonLines).fmt_fields(JsonFields::new());
        let subscriber = tracing_subscriber::registry().with(layer.with_writer(move || out.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let _outer = tracing::info_span!("outer", request_id = "a\"b", shared = 1).entered();
            let _inner = tracing::info_span!("inner", depth = 2).entered();
            let (why, nothing) = ("two\nlines", Option::<&str>::None);
            tracing::warn!(shared = true, took = 0.5, level = "mine", %why, nothing, "it\tfailed");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let (timestamp, rest) = text.split_once(",\"level\"").unwrap();
        assert!(timestamp.starts_with("{\"timestamp\":\"20") && timestamp.ends_with("Z\""), "{timestamp}");
        let target = module_path!();
        assert_eq!(
            rest,
            format!(
                ":\"WARN\",\"target\":\"{target}\",\"message\":\"it\\tfailed\",\"shared\":true,\"took\":0.5,\
                 \"why\":\"two\\nlines\",\"depth\":2,\"request_id\":\"a\\\"b\"}}\n"
            )
        );
    }
}
