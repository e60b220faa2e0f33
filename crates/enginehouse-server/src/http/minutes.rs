//! What happened minute by minute, as charts show it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Extension, State};
use enginehouse_api::minutes::{MinuteGrouping, MinutePoint, MinuteSeries, MinutesQuery, MinutesResponse};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::invalid::Invalid;
use enginehouse_core::limits::MINUTES_KEPT;
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{MinuteFilter, MinuteKey, MinuteRow};

use super::app::App;
use super::json::Json;
use super::params::Query;
use super::problem::{ListProblems, ProblemResponse};

/// For how long is shown where nothing else is asked for.
const DEFAULT_RANGE: Duration = Duration::from_secs(3_600);
/// How many steps there are at most where their length is not asked for.
const DEFAULT_STEPS: u64 = 300;
/// How many points one answer holds.
const MAX_POINTS: usize = 20_000;
/// How many rows one answer is made of.
const MAX_ROWS: usize = 500_000;
/// How many rows are read at once: while they are, a connection answers nobody else.
const ROWS_AT_ONCE: u32 = 1_000;

/// Show what happened, minute by minute, of the last 72 hours.
///
/// Each server counts in memory what it does, and adds it to the store every ten seconds: what others did shows so much later, and
/// of a server that is killed the last seconds are missing. Events that applications enqueue in SQL are not counted as enqueued.
#[utoipa::path(get, path = "/v1/stats/minutes", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": true }))), params(MinutesQuery),
    responses((status = 200, description = "What happened, as series of steps.", body = MinutesResponse), ListProblems))]
pub(super) async fn get_minutes(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<MinutesResponse>, ProblemResponse> {
    let query = query.read(MinutesQuery::read)?;
    let chart = Chart::of(query, app.metrics().store_now())?;
    let within = principal.reach();
    // Whole days are many rows, and none of it is worth that a call waits for it.
    let asking = app.clone();
    app.at_low_priority(async move { chart.drawn(&asking, &within).await }).await.map(Json)
}

/// What is asked for, in whole steps.
#[derive(Debug, PartialEq, Eq)]
struct Chart {
    filter: MinuteFilter,
    step: Duration,
    group_by: MinuteGrouping,
}

/// What a series is of.
type SeriesKey = (Option<QueueName>, Option<EventType>);

impl Chart {
    fn of(query: MinutesQuery, now: Timestamp) -> Result<Self, Invalid> {
        let MinutesQuery { queue, event_type, from, to, step_seconds, group_by } = query;
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to - DEFAULT_RANGE);
        if from >= to {
            return Err(Invalid::field("/from", "must be before `to`, which is now if it is absent"));
        }
        // Nothing older is kept: so nobody asks for steps without end.
        let from = from.max((now - MINUTES_KEPT).min(to));
        let range = to.since(from).as_secs();
        let minutes = match step_seconds {
            Some(step) if step % 60 != 0 => {
                return Err(Invalid::field("/step_seconds", "must be a multiple of 60"));
            }
            Some(step) => u64::from(step / 60),
            None => range.div_ceil(DEFAULT_STEPS * 60).clamp(1, 60),
        };
        let step = Duration::from_secs(minutes * 60);
        let filter = MinuteFilter { from: begin_of(from, step), to: end_of(to, step), queue, event_type };
        Ok(Self { filter, step, group_by: group_by.unwrap_or_default() })
    }

    async fn drawn(self, app: &App, within: &Selectors) -> Result<MinutesResponse, ProblemResponse> {
        let mut series: BTreeMap<SeriesKey, BTreeMap<Timestamp, MinuteTally>> = BTreeMap::new();
        let mut points = 0;
        let is_whole = each_row(app, &self.filter, within, |row| {
            let of_series = series.entry(self.series_of(row.key.pair)).or_default();
            let point = of_series.entry(begin_of(row.key.minute, self.step)).or_insert_with(|| {
                points += 1;
                MinuteTally::default()
            });
            point.merge(&row.tally);
            points <= MAX_POINTS
        });
        if !is_whole.await? {
            let (pointer, what) = if points > MAX_POINTS {
                ("/step_seconds", format!("would make more than {MAX_POINTS} points"))
            } else {
                ("/from", format!("would need more than {MAX_ROWS} rows"))
            };
            let detail = "ask for longer steps, a shorter time, one queue, one event type, or group_by=all";
            return Err(Invalid::field(pointer, format_args!("{what}: {detail}")).into());
        }
        let shown = |((queue, event_type), points): (SeriesKey, BTreeMap<_, _>)| {
            let points = points.iter().map(|(at, tally)| MinutePoint::new(*at, tally)).collect();
            MinuteSeries { queue, event_type, points }
        };
        Ok(MinutesResponse {
            from: self.filter.from,
            to: self.filter.to,
            step_seconds: u32::try_from(self.step.as_secs()).unwrap_or(u32::MAX),
            series: series.into_iter().map(shown).collect(),
        })
    }

    fn series_of(&self, pair: Option<(QueueName, EventType)>) -> SeriesKey {
        let (queue, event_type) = pair.unzip();
        match self.group_by {
            MinuteGrouping::QueueAndEventType => (queue, event_type),
            MinuteGrouping::Queue => (queue, None),
            MinuteGrouping::EventType => (None, event_type),
            MinuteGrouping::All => (None, None),
        }
    }
}

/// Takes every row that selectors reach, those that the store does not have yet behind the others, until `take` wants no more.
/// Answers whether those were all.
pub(super) async fn each_row(
    app: &App,
    filter: &MinuteFilter,
    within: &Selectors,
    mut take: impl FnMut(MinuteRow) -> bool,
) -> Result<bool, StoreError> {
    // What was not told apart may be of any queue.
    let is_shown = |key: &MinuteKey| match &key.pair {
        Some((queue, event_type)) => within.admit(queue.as_str(), event_type.as_str()),
        None => !within.limit_lanes(),
    };
    let (mut after, mut read) = (None, 0);
    loop {
        let rows = app.store().minutes(filter, after, ROWS_AT_ONCE).await?;
        let is_last = rows.len() < ROWS_AT_ONCE as usize;
        read += rows.len();
        after = rows.last().map(|row| row.key.clone());
        let mut shown = rows.into_iter().filter(|row| is_shown(&row.key));
        if !shown.all(&mut take) {
            return Ok(false);
        }
        if is_last {
            break;
        }
        if read >= MAX_ROWS {
            return Ok(false);
        }
    }
    let mut pending = app.dispatcher().minutes().pending(filter).into_iter().filter(|row| is_shown(&row.key));
    Ok(pending.all(&mut take))
}

/// The beginning of the step that a moment is in.
fn begin_of(at: Timestamp, step: Duration) -> Timestamp {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis() - at.as_millis() % step)
}

/// The first beginning of a step that is not before a moment.
fn end_of(at: Timestamp, step: Duration) -> Timestamp {
    let begin = begin_of(at, step);
    if begin == at { at } else { begin + step }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_030_500);

    fn chart(query: MinutesQuery) -> (i64, i64, u64) {
        let Chart { filter, step, .. } = Chart::of(query, NOW).unwrap();
        let off = |at: Timestamp| (at.as_millis() - 1_800_000_000_000) / 1_000;
        (off(filter.from), off(filter.to), step.as_secs())
    }

    #[test]
    fn steps_are_whole_and_not_too_many() {
        let hours = |hours: u64| MinutesQuery {
            from: Some(NOW - Duration::from_secs(3_600 * hours)),
            ..MinutesQuery::default()
        };
        assert_eq!(chart(MinutesQuery::default()), (-3_600, 60, 60), "the last hour");
        assert_eq!(chart(hours(5)), (-18_000, 60, 60));
        assert_eq!(chart(hours(6)), (-21_600, 120, 120));
        assert_eq!(chart(hours(72)), (-259_200, 900, 900));
        assert_eq!(chart(hours(2_000)), chart(hours(72)), "nothing older is kept");
        let step_seconds = Some(3_600);
        assert_eq!(chart(MinutesQuery { step_seconds, ..hours(1) }), (-3_600, 3_600, 3_600));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let refused = |query| Chart::of(query, NOW).unwrap_err().to_string();
        let from = Some(NOW);
        assert!(refused(MinutesQuery { from, ..MinutesQuery::default() }).contains("before `to`"));
        let step_seconds = Some(90);
        assert!(refused(MinutesQuery { step_seconds, ..MinutesQuery::default() }).contains("a multiple of 60"));
        // Long ago, there is nothing, which is no mistake.
        let long_ago = NOW - Duration::from_secs(3_600 * 2_000);
        let (from, to) = (Some(long_ago), Some(long_ago + Duration::from_secs(60)));
        Chart::of(MinutesQuery { from, to, ..MinutesQuery::default() }, NOW).unwrap();
    }
}
