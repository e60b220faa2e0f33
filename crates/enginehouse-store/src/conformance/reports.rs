//! What engines report of attempts.

use std::time::Duration;

use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::report::{AttemptProgress, AttemptReport, AttemptUsage, LogTail};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{EventCommand, EventState};

use super::given::{LOST, apply, begin, claim, complete, given_events, id, now, token};
use crate::Store;
use crate::rows::{AttemptReportRow, EventFilter, PageRequest, ReportSummary, ReportWrite};

fn used(cpu_seconds: f64, max_memory_mb: Option<f64>) -> Option<AttemptUsage> {
    Some(AttemptUsage { cpu_seconds: Some(cpu_seconds), max_memory_mb, gpu_seconds: None })
}

fn progress(percent: f64, message: Option<&str>) -> Option<AttemptProgress> {
    Some(AttemptProgress { percent: Some(percent), message: message.map(str::to_owned) })
}

/// Writes a report of the present lock of an event, as the dispatcher does. Answers the serial of the lock.
async fn report(
    store: &dyn Store,
    number: u32,
    at: Timestamp,
    report: AttemptReport,
    log: Option<LogTail>,
) -> EventState {
    let state = apply(store, number, |state| EventCommand::Report { token: token(state), progress: false }).await;
    let write = ReportWrite { event_id: id(number), lock_serial: state.lock_serial, reported_at: at, report, log };
    let mut tx = begin(store).await;
    tx.write_reports(&[write]).await.unwrap();
    tx.commit().await.unwrap();
    state
}

async fn reports(store: &dyn Store, event_id: EventId) -> Vec<AttemptReportRow> {
    store.history(event_id).await.unwrap().reports
}

/// What a report does not say stays as it was reported before.
pub(crate) async fn a_report_adds_to_those_before(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let lock_serial = claim(store, 1, "sim-1").await.lock_serial;
    let at = now(store).await;
    let first = AttemptReport {
        usage: used(1.5, Some(0.5)),
        progress: progress(12.34, Some("frame 7 of né")),
        checkpoint: Some(RawJson::trusted("{ \"frame\": 7.0 }")),
        log: Vec::new(),
        log_url: Some("https://logs/1".to_owned()),
    };
    let log = LogTail { text: "one\ntwo\n".to_owned(), bytes: 8 };
    report(store, 1, at, first.clone(), Some(log.clone())).await;
    let row = AttemptReportRow {
        lock_serial,
        reported_at: at,
        usage: first.usage,
        progress: first.progress.clone().map(|progress| (at, progress)),
        log_url: first.log_url.clone(),
    };
    assert_eq!(reports(store, id(1)).await, std::slice::from_ref(&row));
    // One that says something else.
    let later = at + Duration::from_secs(9);
    let gpu = AttemptUsage { gpu_seconds: Some(0.25), ..AttemptUsage::default() };
    report(store, 1, later, AttemptReport { usage: Some(gpu), ..AttemptReport::default() }, None).await;
    let usage = Some(first.usage.unwrap().replaced_by(gpu));
    assert_eq!(reports(store, id(1)).await, [AttemptReportRow { reported_at: later, usage, ..row.clone() }]);
    assert_eq!(store.logs(id(1), None).await.unwrap(), [(lock_serial, log)]);
    // A progress replaces the whole one before.
    let only_percent = AttemptReport { progress: progress(50.0, None), ..AttemptReport::default() };
    report(store, 1, later, only_percent.clone(), None).await;
    assert_eq!(reports(store, id(1)).await[0].progress, only_percent.progress.map(|progress| (later, progress)));
    assert_eq!(reports(store, id(2)).await, []);
}

/// What is seen beside an event: the usage of all of its attempts, and the progress of the newest one.
pub(crate) async fn an_event_is_read_with_what_was_reported_of_it(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let of = async |number| store.event(id(number)).await.unwrap().unwrap().reports;
    assert_eq!(of(1).await, None);
    let at = now(store).await;
    claim(store, 1, "sim-1").await;
    let first = AttemptReport { usage: used(1.5, Some(8.0)), progress: progress(90.0, None), ..Default::default() };
    report(store, 1, at, first, None).await;
    apply(store, 1, |_| LOST).await;
    claim(store, 1, "sim-2").await;
    let usage = used(1.5, Some(8.0));
    assert_eq!(of(1).await, Some(ReportSummary { usage, progress: None }), "of an earlier attempt");
    let second = AttemptReport { usage: used(2.0, Some(4.0)), progress: progress(10.0, None), ..Default::default() };
    report(store, 1, at, second, None).await;
    let seen = Some(ReportSummary { usage: used(3.5, Some(8.0)), progress: progress(10.0, None).map(|one| (at, one)) });
    assert_eq!(of(1).await, seen);
    let page = PageRequest { limit: 10, after: None };
    let listed = store.events(&EventFilter::default(), &page).await.unwrap().items;
    assert_eq!(listed.into_iter().map(|record| record.reports).collect::<Vec<_>>(), [None, seen.clone()]);
    apply(store, 1, complete).await;
    assert_eq!(of(1).await, seen, "it is kept with the event");
}

/// A log is read as it was written, and a transaction sees what it has written itself.
pub(crate) async fn the_end_of_a_log_is_known_to_whoever_appends_to_it(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let at = now(store).await;
    let first = claim(store, 1, "sim-1").await.lock_serial;
    let log = |text: &str, bytes| LogTail { text: text.to_owned(), bytes };
    report(store, 1, at, AttemptReport::default(), Some(log("one\n", 70_004))).await;
    apply(store, 1, |_| LOST).await;
    let second = claim(store, 1, "sim-2").await.lock_serial;
    let mut tx = begin(store).await;
    let locks = [(id(1), first), (id(1), second), (id(2), 1)];
    let found = tx.log_tails(&locks).await.unwrap();
    assert_eq!(found, [(locks[0], log("one\n", 70_004))].into());
    let write = |text: &str, bytes| ReportWrite {
        event_id: id(1),
        lock_serial: second,
        reported_at: at,
        report: AttemptReport::default(),
        log: Some(log(text, bytes)),
    };
    tx.write_reports(&[write("née\n", 5)]).await.unwrap();
    assert_eq!(tx.log_tails(&locks[1..2]).await.unwrap(), [(locks[1], log("née\n", 5))].into());
    tx.write_reports(&[write("née\nb\n", 7)]).await.unwrap();
    tx.commit().await.unwrap();
    let all = [(first, log("one\n", 70_004)), (second, log("née\nb\n", 7))];
    assert_eq!(store.logs(id(1), None).await.unwrap(), all);
    assert_eq!(store.logs(id(1), Some(second)).await.unwrap(), all[1..]);
    assert_eq!(store.logs(id(2), None).await.unwrap(), []);
    assert_eq!(store.logs(id(9), None).await.unwrap(), []);
}

/// The newest checkpoint, whichever attempt it is of.
pub(crate) async fn the_newest_checkpoint_of_an_event_is_known(store: &dyn Store) {
    given_events(store, "render", 1..=3).await;
    let at = now(store).await;
    let checkpoint = |text: &str| AttemptReport { checkpoint: Some(RawJson::trusted(text)), ..Default::default() };
    for (number, reported) in [(1, "{ \"n\": 1 }"), (2, "2")] {
        claim(store, number, "sim-1").await;
        report(store, number, at, checkpoint(reported), None).await;
        apply(store, number, |_| LOST).await;
        claim(store, number, "sim-1").await;
    }
    report(store, 1, at, AttemptReport { usage: used(1.0, None), ..Default::default() }, None).await;
    report(store, 2, at, checkpoint("3"), None).await;
    let found = begin(store).await.checkpoints(&[id(1), id(2), id(3), id(9)]).await.unwrap();
    let expected = [(id(1), RawJson::trusted("{ \"n\": 1 }")), (id(2), RawJson::trusted("3"))];
    assert_eq!(found, expected.into());
}

/// With the event, whatever was reported is gone.
pub(crate) async fn a_forgotten_event_takes_its_reports_with_it(store: &dyn Store) {
    given_events(store, "render", 1..=2).await;
    let at = now(store).await;
    for number in 1..=2 {
        claim(store, number, "sim-1").await;
        let log = LogTail { text: "one\n".to_owned(), bytes: 4 };
        report(store, number, at, AttemptReport { usage: used(1.0, None), ..Default::default() }, Some(log)).await;
        apply(store, number, complete).await;
    }
    let mut tx = begin(store).await;
    tx.delete_events(&[id(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((reports(store, id(1)).await.len(), reports(store, id(2)).await.len()), (0, 1));
    assert_eq!(store.logs(id(1), None).await.unwrap(), []);
}
