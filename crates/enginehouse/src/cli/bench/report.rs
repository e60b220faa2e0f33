//! What a bench has found: one JSON document, or tables for people.

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use strum::VariantArray;

use super::super::terminal_text::indented;
use super::clean_up::CleanUp;
use super::context::BenchContext;
use super::figures::{EventCount, Figures, LatencyHistogram, Timed, in_milliseconds};
use super::load_shape::LoadShape;
use super::numbers::{milliseconds, per_second, thousands};
use super::run_end::{BenchEnd, RunEnd};

/// The document. Its fields are described in docs/bench.md.
#[derive(Debug, Serialize)]
pub(super) struct BenchReport {
    run: String,
    url: String,
    queue: String,
    event_type: String,
    load: LoadShape,
    ended_by: BenchEnd,
    measured_seconds: f64,
    enqueued: u64,
    enqueued_per_second: f64,
    completed: u64,
    completed_per_second: f64,
    warm_up: WarmUpReport,
    backlog: u64,
    /// None if it failed.
    clean_up: Option<CleanUp>,
    latency_ms: LatencyReport,
    empty_claims: u64,
    errors: Vec<ErrorReport>,
    histogram: HistogramReport,
}

#[derive(Debug, Serialize)]
struct WarmUpReport {
    enqueued: u64,
    completed: u64,
}

/// Each kind of call that was made, and the way through all.
#[derive(Debug, Serialize)]
struct LatencyReport {
    enqueue: Option<BenchLatency>,
    claim: Option<BenchLatency>,
    complete: Option<BenchLatency>,
    exchange: Option<BenchLatency>,
    end_to_end: Option<BenchLatency>,
}

#[derive(Debug, Serialize)]
struct BenchLatency {
    count: u64,
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct ErrorReport {
    call: &'static str,
    code: String,
    count: u64,
}

#[derive(Debug, Serialize)]
struct HistogramReport {
    of: &'static str,
    buckets: Vec<HistogramBucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct HistogramBucket {
    above_ms: f64,
    up_to_ms: f64,
    count: u64,
}

impl BenchReport {
    /// The report of a run that has ended.
    pub(super) fn new(context: &BenchContext, end: RunEnd, clean_up: Option<CleanUp>) -> Self {
        let RunEnd { by: ended_by, producers_ended_at, ended_at, is_cut_off: _ } = end;
        let figures = context.figures();
        let EventCount { enqueued, completed } = figures.measured;
        let measured = |until: Duration| until.saturating_sub(context.measured_from()).as_secs_f64();
        let latency = |of| BenchLatency::of(figures.latencies(of));
        let headline = figures.headline();
        Self {
            run: context.names.run.clone(),
            url: context.url().to_owned(),
            queue: context.names.queue.to_string(),
            event_type: context.names.event_type.to_string(),
            load: context.shape.clone(),
            ended_by,
            measured_seconds: rounded(measured(ended_at)),
            enqueued,
            enqueued_per_second: rounded(rate(enqueued, measured(producers_ended_at))),
            completed,
            completed_per_second: rounded(rate(completed, measured(ended_at))),
            warm_up: WarmUpReport { enqueued: figures.warm_up.enqueued, completed: figures.warm_up.completed },
            backlog: figures.backlog(),
            clean_up,
            latency_ms: LatencyReport {
                enqueue: latency(Timed::Enqueue),
                claim: latency(Timed::Claim),
                complete: latency(Timed::Complete),
                exchange: latency(Timed::Exchange),
                end_to_end: latency(Timed::EndToEnd),
            },
            empty_claims: figures.empty_claims,
            errors: errors(&figures),
            histogram: HistogramReport { of: headline.into(), buckets: buckets(figures.latencies(headline)) },
        }
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// For people.
    pub(super) fn write(&self, out: &mut impl Write, keep: bool) -> io::Result<()> {
        for (name, value) in self.fields(keep) {
            writeln!(out, "{name:9}  {}", indented(&value, 11))?;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["LATENCY, MS", "COUNT", "P50", "P90", "P99", "P99.9", "MAX"]);
        for of in Timed::VARIANTS {
            if let Some(summary) = self.latency_ms.of(*of) {
                table.add_row(summary.row(&title(*of)));
            }
        }
        if !table.is_empty() {
            table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
            writeln!(out, "\n{}", table.trim_fmt())?;
            writeln!(out)?;
            self.write_histogram(out)?;
        }
        Ok(())
    }

    fn fields(&self, keep: bool) -> Vec<(&'static str, String)> {
        let ended = match self.ended_by {
            BenchEnd::Duration | BenchEnd::Events => "",
            BenchEnd::Interrupted => ", ended early by a signal",
            BenchEnd::Stalled => ", ended early because nothing happened any more",
            BenchEnd::Failed => ", ended early by an error",
        };
        let mut fields = vec![
            ("run", format!("{} at {}", self.run, self.url)),
            ("load", self.load.in_words()),
            ("measured", format!("{:.1} s{ended}", self.measured_seconds)),
        ];
        if self.load.producers > 0 {
            let mut enqueued = format!("{}, {}", thousands(self.enqueued), per_second(self.enqueued_per_second));
            if let Some(offered) = self.load.rate.filter(|offered| self.enqueued_per_second < 0.98 * offered) {
                enqueued += &format!(
                    " of {} offered: the server did not keep up, or --producers are too few",
                    per_second(offered)
                );
            }
            fields.push(("enqueued", enqueued));
        }
        if self.load.engines > 0 {
            let completed = format!("{}, {}", thousands(self.completed), per_second(self.completed_per_second));
            fields.push(("completed", completed));
        }
        if self.warm_up.enqueued > 0 {
            let WarmUpReport { enqueued, completed } = self.warm_up;
            let text = format!("{} enqueued and {} completed before that", thousands(enqueued), thousands(completed));
            fields.push(("warm-up", text));
        }
        let left = match self.clean_up {
            None => format!("{} events, and engines: see below", thousands(self.backlog)),
            Some(_) if keep && self.backlog > 0 => format!("{} events, which are kept", thousands(self.backlog)),
            Some(CleanUp { events_cancelled: 0, .. }) => "nothing".to_owned(),
            Some(CleanUp { events_cancelled, .. }) => format!("{} events, now cancelled", thousands(events_cancelled)),
        };
        fields.push(("left", left));
        // A tenth is more than what is on its way at any moment.
        if self.latency_ms.end_to_end.is_some() && self.backlog > self.enqueued / 10 {
            let advice = format!(
                "end to end is mostly waiting in the queue; see it with a --rate below {}",
                per_second(self.completed_per_second)
            );
            fields.push(("note", advice));
        }
        let errors =
            self.errors.iter().map(|error| format!("{} {} {}", thousands(error.count), error.call, error.code));
        let errors = errors.collect::<Vec<_>>().join(", ");
        fields.push(("errors", if errors.is_empty() { "none".to_owned() } else { errors }));
        fields
    }

    fn write_histogram(&self, out: &mut impl Write) -> io::Result<()> {
        const WIDTH: u64 = 40;
        let HistogramReport { of, buckets } = &self.histogram;
        let (most, all) =
            buckets.iter().fold((1, 0), |(most, all), bucket| (bucket.count.max(most), all + bucket.count));
        writeln!(out, "{}, ms", of.replace('_', " ").to_uppercase())?;
        for bucket in buckets {
            // The smallest share has a mark.
            let bar = "#".repeat(usize::try_from((bucket.count * WIDTH).div_ceil(most)).unwrap_or(0));
            let (above, up_to) = (milliseconds(bucket.above_ms), milliseconds(bucket.up_to_ms));
            let percent = rate(bucket.count * 100, all as f64);
            writeln!(out, "{above:>8} to {up_to:>8}  {bar:40}  {:>11}  {percent:5.1} %", thousands(bucket.count))?;
        }
        Ok(())
    }
}

impl LatencyReport {
    const fn of(&self, of: Timed) -> Option<&BenchLatency> {
        match of {
            Timed::Enqueue => self.enqueue.as_ref(),
            Timed::Claim => self.claim.as_ref(),
            Timed::Complete => self.complete.as_ref(),
            Timed::Exchange => self.exchange.as_ref(),
            Timed::EndToEnd => self.end_to_end.as_ref(),
        }
    }
}

impl BenchLatency {
    fn of(histogram: &LatencyHistogram) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let at = |quantile| in_milliseconds(histogram.value_at_quantile(quantile));
        Some(Self {
            count: histogram.len(),
            mean: rounded(histogram.mean() / 1_000.0),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: in_milliseconds(histogram.max()),
        })
    }

    fn row(&self, title: &str) -> Vec<String> {
        let latencies = [self.p50, self.p90, self.p99, self.p99_9, self.max].map(milliseconds);
        [title.to_owned(), thousands(self.count)].into_iter().chain(latencies).collect()
    }
}

/// What it is called in tables.
pub(super) fn title(of: Timed) -> String {
    let name: &str = of.into();
    name.replace('_', " ")
}

fn errors(figures: &Figures) -> Vec<ErrorReport> {
    let errors = figures.errors.iter();
    errors
        .map(|((call, code), count)| ErrorReport { call: (*call).into(), code: code.clone(), count: *count })
        .collect()
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// As many digits as mean something.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// The latencies in steps of 1, 1.5, 2, 3, 5 and 7 in each power of ten, from the first that has any to the last.
fn buckets(histogram: &LatencyHistogram) -> Vec<HistogramBucket> {
    const TENTHS: [u64; 6] = [10, 15, 20, 30, 50, 70];
    let edges = (0..).flat_map(|power: u32| TENTHS.map(|tenths| tenths.saturating_mul(10_u64.saturating_pow(power))));
    let mut buckets = Vec::<HistogramBucket>::new();
    let mut recorded = histogram.iter_recorded().peekable();
    let mut above = 0;
    for up_to in edges {
        let mut count = 0;
        while let Some(value) = recorded.next_if(|value| value.value_iterated_to() <= up_to) {
            count += value.count_since_last_iteration();
        }
        if count > 0 || !buckets.is_empty() {
            buckets.push(HistogramBucket { above_ms: in_milliseconds(above), up_to_ms: in_milliseconds(up_to), count });
        }
        if recorded.peek().is_none() {
            return buckets;
        }
        above = up_to;
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_one_bucket() {
        let mut histogram = LatencyHistogram::new_with_bounds(1, 86_400_000_000, 3).unwrap();
        assert_eq!(buckets(&histogram), []);
        let latencies = [1_u64, 999, 1_200, 1_400, 4_000, 86_400_000_000];
        latencies.iter().for_each(|latency| histogram.record(*latency).unwrap());
        let buckets = buckets(&histogram);
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 6);
        assert_eq!(buckets[0], HistogramBucket { above_ms: 0.0, up_to_ms: 0.01, count: 1 });
        assert!(buckets.windows(2).all(|pair| pair[0].up_to_ms == pair[1].above_ms));
        let found = buckets.iter().find(|bucket| bucket.above_ms == 1.0).unwrap();
        assert_eq!((found.up_to_ms, found.count), (1.5, 2));
    }
}
