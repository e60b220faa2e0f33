//! How long events waited and took, as daily histograms.

use std::time::Duration;

use enginehouse_core::durations::DurationKind;
use enginehouse_core::time::Timestamp;

use super::given::{begin, duration_row};
use crate::Store;
use crate::rows::DurationRow;

const DAY: Timestamp = Timestamp::from_millis(1_764_201_600_000);
const ONE_DAY: Duration = Duration::from_secs(86_400);

async fn given_durations(store: &dyn Store, rows: &[DurationRow]) {
    let mut tx = begin(store).await;
    tx.add_durations(rows).await.unwrap();
    tx.commit().await.unwrap();
}

/// Bucket by bucket, whoever adds them: as if one had counted them all.
pub(crate) async fn durations_under_one_key_are_added_together(store: &dyn Store) {
    let waiting = |millis: &[u64]| duration_row("render", Some("1.2.0"), DAY, DurationKind::Waiting, millis);
    let processing = duration_row("render", Some("1.2.0"), DAY, DurationKind::Processing, &[1]);
    given_durations(store, &[waiting(&[0, 5, 5, 700])]).await;
    given_durations(store, &[processing.clone(), waiting(&[5, 90_000, 86_400_000])]).await;
    let sum = waiting(&[0, 5, 5, 700, 5, 90_000, 86_400_000]);
    assert_eq!(store.durations(None).await.unwrap(), [processing, sum]);
}

/// In the order of event types, versions, days and kinds.
pub(crate) async fn durations_are_read_of_one_type_or_of_all(store: &dyn Store) {
    let row = |event_type, version, day| duration_row(event_type, version, day, DurationKind::Waiting, &[7]);
    let all =
        [row("a", None, DAY), row("a", None, DAY + ONE_DAY), row("a", Some("2"), DAY), row("b", Some("\u{e9} 1"), DAY)];
    let mut mixed = all.to_vec();
    mixed.reverse();
    given_durations(store, &mixed).await;
    assert_eq!(store.durations(None).await.unwrap(), all);
    assert_eq!(store.durations(Some(&"a".parse().unwrap())).await.unwrap(), all[..3]);
    assert_eq!(store.durations(Some(&"c".parse().unwrap())).await.unwrap(), []);
}

/// A bounded number at a time, and none of the days that are kept.
pub(crate) async fn the_durations_of_the_oldest_days_are_forgotten_first(store: &dyn Store) {
    let row = |days| duration_row("a", None, DAY + ONE_DAY * days, DurationKind::Waiting, &[7]);
    given_durations(store, &[row(2), row(0), row(1), row(3)]).await;
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_durations(DAY + ONE_DAY * 3, 2).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(store.durations(None).await.unwrap(), [row(2), row(3)]);
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_durations(DAY + ONE_DAY * 3, 2).await.unwrap(), 1, "before, not at");
    assert_eq!(tx.delete_durations(DAY + ONE_DAY * 3, 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
}
