//! Health: for how long vacuum has been held back, as maintenance has found it, for metrics and the log.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::vacuum::{VacuumHolder, VacuumHolderKind};

/// How long vacuum must be held back before it is logged.
const LOG_AFTER: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(crate) struct HealthProbe {
    pub(crate) dead_rows: Option<u64>,
    holders: BTreeMap<HolderKey, HeldBack>,
}

/// What identifies a holder from one check to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HolderKey {
    kind: VacuumHolderKind,
    name: String,
    pid: Option<i32>,
    since: Option<enginehouse_core::time::Timestamp>,
}

#[derive(Debug)]
struct HeldBack {
    since: Instant,
    last_seen: VacuumHolder,
    was_logged: bool,
}

/// What to log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VacuumChange {
    HeldBack { holder: String, seconds: u64 },
    Released { holder: String, seconds: u64 },
}

impl HealthProbe {
    /// Takes the result of a check. Answers what to log: each holder once when it has lasted, and once when it has ended.
    pub(crate) fn update(
        &mut self,
        found: Vec<VacuumHolder>,
        dead_rows: Option<u64>,
        now: Instant,
    ) -> Vec<VacuumChange> {
        self.dead_rows = dead_rows;
        let mut before = std::mem::take(&mut self.holders);
        let mut changes = Vec::new();
        for holder in found {
            let key = HolderKey { kind: holder.kind, name: holder.name.clone(), pid: holder.pid, since: holder.since };
            let known = before.remove(&key);
            // PostgreSQL does not know since when a slot or a standby holds back vacuum: then it counts from the first check.
            let reported = holder.held_for.and_then(|held_for| now.checked_sub(held_for));
            let since = reported.or(known.as_ref().map(|held| held.since)).unwrap_or(now);
            let seconds = now.saturating_duration_since(since);
            let mut was_logged = known.is_some_and(|held| held.was_logged);
            if !was_logged && seconds >= LOG_AFTER {
                changes.push(VacuumChange::HeldBack { holder: holder.to_string(), seconds: seconds.as_secs() });
                was_logged = true;
            }
            self.holders.insert(key, HeldBack { since, last_seen: holder, was_logged });
        }
        changes.extend(before.into_values().filter(|held| held.was_logged).map(|held| VacuumChange::Released {
            holder: held.last_seen.to_string(),
            seconds: now.saturating_duration_since(held.since).as_secs(),
        }));
        changes
    }

    pub(crate) fn held_for(&self, kind: VacuumHolderKind, now: Instant) -> Duration {
        let of_kind = self.holders.iter().filter(|(holder, _)| holder.kind == kind);
        of_kind.map(|(_, held)| now.saturating_duration_since(held.since)).max().unwrap_or_default()
    }
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

    fn logged(changes: &[VacuumChange]) -> String {
        let logged = changes.iter().map(|change| match change {
            VacuumChange::HeldBack { seconds, .. } => format!("held back for {seconds}"),
            VacuumChange::Released { seconds, .. } => format!("released after {seconds}"),
        });
        logged.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_holder_is_logged_once_when_it_lasts_and_once_when_it_ends() {
        let (mut health, start) = (HealthProbe::default(), Instant::now() + Duration::from_secs(10_000));
        let kind = VacuumHolderKind::Session;
        for (seconds, is_there, want) in [
            (60, true, ""),
            (299, true, ""),
            (300, true, "held back for 300"),
            (330, true, ""),
            (360, false, "released after 360"),
            (390, false, ""),
        ] {
            let now = start + Duration::from_secs(seconds);
            let found = if is_there { vec![holder(kind, Some(seconds))] } else { Vec::new() };
            assert_eq!(logged(&health.update(found, Some(9), now)), want, "{seconds}");
            let want = Duration::from_secs(if is_there { seconds } else { 0 });
            assert_eq!(health.held_for(kind, now), want);
        }
    }

    #[test]
    fn a_holder_without_a_start_counts_from_the_first_check() {
        let (mut health, start) = (HealthProbe::default(), Instant::now());
        let kind = VacuumHolderKind::ReplicationSlot;
        for (seconds, want) in [(0, ""), (270, ""), (300, "held back for 300"), (330, "")] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(logged(&health.update(vec![holder(kind, None)], None, now)), want, "{seconds}");
        }
        // A short one is never logged.
        assert_eq!(
            logged(&health.update(vec![holder(VacuumHolderKind::Session, Some(40))], None, start)),
            "released after 0"
        );
        assert_eq!(logged(&health.update(Vec::new(), None, start)), "");
    }
}
