//! How the database does, for whoever watches: looked at every half a minute, told in metrics, and said in the log when
//! somebody has held back vacuum for too long.

use std::collections::BTreeMap;
use std::time::Duration;

use strum::VariantArray;
use tokio::time::Instant;

use super::state::Shared;
use super::vacuum::{VacuumHolder, VacuumHolderKind, holders};
use crate::postgres::tx::columns::{Columns, params, sql};
use crate::postgres::wire::failure::Outcome;
use crate::{ConnectionsUsed, StoreHealth};

/// Who holds back vacuum for a shorter time than this is not worth a number.
const WORTH_A_NUMBER: Duration = Duration::from_secs(30);
/// Who does for a shorter time than this is not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(300);

/// What was seen last.
#[derive(Debug, Default)]
pub(crate) struct Health {
    dead_rows: Option<u64>,
    holders: BTreeMap<Holder, Held>,
}

/// What makes it the same one at the next look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    kind: VacuumHolderKind,
    name: String,
    pid: Option<i32>,
    since: Option<enginehouse_core::time::Timestamp>,
}

#[derive(Debug)]
struct Held {
    since: Instant,
    last_seen: VacuumHolder,
    was_said: bool,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Holds { holder: String, seconds: u64 },
    Over { holder: String, seconds: u64 },
}

impl Health {
    fn take_in(&mut self, found: Vec<VacuumHolder>, dead_rows: Option<u64>, now: Instant) -> Vec<Word> {
        self.dead_rows = dead_rows;
        let mut before = std::mem::take(&mut self.holders);
        let mut words = Vec::new();
        for holder in found {
            let key = Holder { kind: holder.kind, name: holder.name.clone(), pid: holder.pid, since: holder.since };
            let known = before.remove(&key);
            // What does not say since when has held it for as long as it was seen.
            let told = holder.held_for.and_then(|held_for| now.checked_sub(held_for));
            let since = told.or(known.as_ref().map(|held| held.since)).unwrap_or(now);
            let seconds = now.saturating_duration_since(since);
            let mut was_said = known.is_some_and(|held| held.was_said);
            if !was_said && seconds >= WORTH_A_WORD {
                words.push(Word::Holds { holder: holder.to_string(), seconds: seconds.as_secs() });
                was_said = true;
            }
            self.holders.insert(key, Held { since, last_seen: holder, was_said });
        }
        words.extend(before.into_values().filter(|held| held.was_said).map(|held| Word::Over {
            holder: held.last_seen.to_string(),
            seconds: now.saturating_duration_since(held.since).as_secs(),
        }));
        words
    }

    fn held_for(&self, kind: VacuumHolderKind, now: Instant) -> Duration {
        let of_kind = self.holders.iter().filter(|(holder, _)| holder.kind == kind);
        of_kind.map(|(_, held)| now.saturating_duration_since(held.since)).max().unwrap_or_default()
    }
}

/// Looks who holds back vacuum, and says so where it is time to.
pub(crate) async fn look(shared: &Shared) -> Outcome<()> {
    let session = shared.readers.session().await?;
    let found = holders(&session, WORTH_A_NUMBER).await?;
    let rows = session.query(sql!("dead_rows"), params![]).await?;
    drop(session);
    let dead_rows = rows.first().map(|row| Columns::of(row).number()).transpose()?;
    let words = shared.health().take_in(found, dead_rows, Instant::now());
    for word in words {
        match word {
            Word::Holds { holder, seconds } => tracing::warn!(
                holder,
                seconds,
                "vacuum is held back: dead rows stay, and everything becomes slower until the holder ends"
            ),
            Word::Over { holder, seconds } => tracing::info!(holder, seconds, "vacuum is not held back any more"),
        }
    }
    Ok(())
}

/// What was seen last, for metrics.
pub(crate) fn told(shared: &Shared) -> StoreHealth {
    let used = |(open, in_use)| ConnectionsUsed { open, in_use };
    let connections = vec![("transactions", used(shared.writers.used())), ("reads", used(shared.readers.used()))];
    let health = shared.health();
    let now = Instant::now();
    let vacuum_held_for = VacuumHolderKind::VARIANTS.iter().map(|kind| (kind.name(), health.held_for(*kind, now)));
    StoreHealth { connections, dead_rows: health.dead_rows, vacuum_held_for: vacuum_held_for.collect() }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::time::Timestamp;

    use super::*;

    fn holder(kind: VacuumHolderKind, seconds: Option<u64>) -> VacuumHolder {
        VacuumHolder {
            kind,
            name: "a report".to_owned(),
            pid: None,
            user: None,
            client: None,
            state: None,
            since: seconds.map(|_| Timestamp::from_millis(1_000)),
            held_for: seconds.map(Duration::from_secs),
            transactions: 7,
            dead_rows: 9,
        }
    }

    fn said(words: &[Word]) -> String {
        let said = words.iter().map(|word| match word {
            Word::Holds { seconds, .. } => format!("holds for {seconds}"),
            Word::Over { seconds, .. } => format!("over after {seconds}"),
        });
        said.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_holder_is_told_once_when_it_lasts_and_once_when_it_is_over() {
        let (mut health, start) = (Health::default(), Instant::now() + Duration::from_secs(10_000));
        let kind = VacuumHolderKind::Session;
        for (seconds, is_there, want) in [
            (60, true, ""),
            (299, true, ""),
            (300, true, "holds for 300"),
            (330, true, ""),
            (360, false, "over after 360"),
            (390, false, ""),
        ] {
            let now = start + Duration::from_secs(seconds);
            let found = if is_there { vec![holder(kind, Some(seconds))] } else { Vec::new() };
            assert_eq!(said(&health.take_in(found, Some(9), now)), want, "{seconds}");
            let want = Duration::from_secs(if is_there { seconds } else { 0 });
            assert_eq!(health.held_for(kind, now), want);
        }
    }

    #[test]
    fn what_does_not_say_since_when_counts_from_the_first_look() {
        let (mut health, start) = (Health::default(), Instant::now());
        let kind = VacuumHolderKind::ReplicationSlot;
        for (seconds, want) in [(0, ""), (270, ""), (300, "holds for 300"), (330, "")] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(said(&health.take_in(vec![holder(kind, None)], None, now)), want, "{seconds}");
        }
        // A short one is never spoken of.
        assert_eq!(
            said(&health.take_in(vec![holder(VacuumHolderKind::Session, Some(40))], None, start)),
            "over after 0"
        );
        assert_eq!(said(&health.take_in(Vec::new(), None, start)), "");
    }
}
