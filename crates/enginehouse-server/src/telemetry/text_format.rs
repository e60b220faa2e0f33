//! The two texts that metrics are written in: which one a client asks for, and how they differ.
//!
//! The library writes OpenMetrics, in which a counter's family has another name than its values, and an end is marked. The older
//! text of Prometheus is what any tool takes: so it is what a client gets that does not ask for the other by name.

use http::{HeaderMap, header};

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// The text format of Prometheus, version 0.0.4.
    Plain,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl TextFormat {
    /// The one that a client asks for.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let (mut open_metrics, mut plain) = (0.0_f32, 0.0_f32);
        let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for range in ranges.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let kind = parts.next().unwrap_or_default();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=").map(|weight| weight.trim().parse().unwrap_or(0.0)));
            let weight = weight.unwrap_or(1.0);
            match kind.as_str() {
                "application/openmetrics-text" => open_metrics = open_metrics.max(weight),
                "text/plain" | "text/*" | "*/*" => plain = plain.max(weight),
                _ => {}
            }
        }
        if open_metrics > 0.0 && open_metrics >= plain { Self::OpenMetrics } else { Self::Plain }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Text that is OpenMetrics so far, in this format.
    pub(super) fn of(self, open_metrics: String) -> String {
        match self {
            Self::Plain => plain(&open_metrics),
            Self::OpenMetrics => open_metrics,
        }
    }
}

/// What is said of a family is said of the name that its values have. (The help texts, all our own, hold nothing that the two formats
/// write differently.)
fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(of) = line.strip_prefix("# HELP ") {
            help = of;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|of| of.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                _ => ("", kind),
            };
            let help = help.strip_prefix(name).unwrap_or_default();
            text.push_str(&format!("# HELP {name}{suffix}{help}\n# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_text_that_it_asks_for() {
        for (accept, want) in [
            ("", TextFormat::Plain),
            ("*/*", TextFormat::Plain),
            ("text/plain", TextFormat::Plain),
            ("application/json", TextFormat::Plain),
            ("nonsense;;q=,", TextFormat::Plain),
            ("application/openmetrics-text", TextFormat::OpenMetrics),
            ("Application/OpenMetrics-Text; version=1.0.0; Q=0.5", TextFormat::OpenMetrics),
            ("application/openmetrics-text;q=0", TextFormat::Plain),
            ("application/openmetrics-text;q=x", TextFormat::Plain),
            ("application/openmetrics-text;q=0.4,text/plain;q=0.5", TextFormat::Plain),
            // As Prometheus asks, from version 2.5 and from version 3 on.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                TextFormat::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                TextFormat::OpenMetrics,
            ),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(TextFormat::accepted(&headers), want, "{accept}");
        }
        assert_eq!(TextFormat::accepted(&HeaderMap::new()), TextFormat::Plain);
        let several = [(header::ACCEPT, "text/html"), (header::ACCEPT, "application/openmetrics-text")];
        let headers = HeaderMap::from_iter(several.map(|(name, value)| (name, value.parse().unwrap())));
        assert_eq!(TextFormat::accepted(&headers), TextFormat::OpenMetrics);
    }

    #[test]
    fn the_plain_text_names_counters_as_their_values_are_named() {
        let open_metrics = "# HELP a All.\n# TYPE a counter\na_total{of=\"# x\"} 1\n# HELP b Built.\n# TYPE b info\nb_info 1\n\
                            # HELP c Held.\n# TYPE c gauge\nc 2.5\n# EOF\n";
        assert_eq!(
            TextFormat::Plain.of(open_metrics.to_owned()),
            "# HELP a_total All.\n# TYPE a_total counter\na_total{of=\"# x\"} 1\n# HELP b_info Built.\n# TYPE b_info gauge\n\
             b_info 1\n# HELP c Held.\n# TYPE c gauge\nc 2.5\n"
        );
        assert_eq!(TextFormat::OpenMetrics.of(open_metrics.to_owned()), open_metrics);
    }
}
