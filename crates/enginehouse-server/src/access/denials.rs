//! Calls that were denied, on their way to the audit log: of each caller a few a minute, and of the others how many there were.
//!
//! So whoever is denied again and again is seen, and cannot keep the store busy with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::access::principal::Principal;
use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::time::Timestamp;
use serde_json::json;

use crate::dispatcher::actor::Actor;

/// How many calls of one caller are written down in a minute.
const MAX_IN_A_MINUTE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// How many entries wait to be written at most.
const MAX_WAITING: usize = 10_000;
/// All commands that work on events, together.
const COMMANDS: &str = "commands";
/// The action of the entry that says how many calls were left out.
const LEFT_OUT: &str = "denials";

/// Clones gather together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials(Arc<Mutex<Gathered>>);

#[derive(Debug, Default)]
struct Gathered {
    /// By principal.
    minutes: HashMap<String, DeniedMinute>,
    waiting: Vec<AuditEntry>,
}

/// What one caller was denied in one minute.
#[derive(Debug)]
struct DeniedMinute {
    began: Timestamp,
    written: u32,
    left_out: u64,
}

impl DeniedMinute {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.began) >= MINUTE
    }

    /// What is written of those that were left out.
    fn left_out(&self, principal: &str) -> Option<AuditEntry> {
        let detail = json!({ "left_out": self.left_out });
        let entry = || Actor::SERVER.entry(self.began, (LEFT_OUT, "calls".to_owned()), AuditOutcome::Denied, &detail);
        (self.left_out > 0).then(|| AuditEntry { principal: principal.to_owned(), ..entry() })
    }
}

impl Denials {
    /// Notes a call of somebody that was denied.
    pub(crate) fn note(&self, actor: &Actor, missing: &str, call: String, on: Option<&str>, now: Timestamp) {
        // There may be as many of them as there are events under way.
        let principal = match &actor.principal {
            Principal::Command(_) => COMMANDS.to_owned(),
            principal => principal.to_string(),
        };
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { minutes, waiting } = &mut *gathered;
        let minute = minutes.entry(principal.clone()).or_insert(DeniedMinute { began: now, written: 0, left_out: 0 });
        if minute.is_over(now) {
            waiting.extend(minute.left_out(&principal));
            *minute = DeniedMinute { began: now, written: 0, left_out: 0 };
        }
        if minute.written >= MAX_IN_A_MINUTE || waiting.len() >= MAX_WAITING {
            minute.left_out += 1;
            return;
        }
        minute.written += 1;
        waiting.push(actor.entry(now, (missing, call), AuditOutcome::Denied, &json!({ "on": on })));
    }

    /// What is to be written by now.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<AuditEntry> {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { minutes, waiting } = &mut *gathered;
        minutes.retain(|principal, minute| {
            if minute.is_over(now) {
                waiting.extend(minute.left_out(principal));
            }
            !minute.is_over(now)
        });
        std::mem::take(waiting)
    }

    /// Takes back what could not be written.
    pub(crate) fn put_back(&self, entries: Vec<AuditEntry>) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = std::mem::replace(&mut gathered.waiting, entries);
        gathered.waiting.extend(newer);
        gathered.waiting.truncate(MAX_WAITING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn deny(denials: &Denials, principal: Principal, times: usize, now: Timestamp) {
        for _ in 0..times {
            denials.note(&Actor::from(principal.clone()), "settings:write", "PUT /v1/queues/a".to_owned(), None, now);
        }
    }

    fn shown(entries: &[AuditEntry]) -> Vec<String> {
        entries.iter().map(|entry| format!("{} {} {}", entry.principal, entry.action, entry.detail.as_str())).collect()
    }

    #[test]
    fn of_each_caller_ten_denials_a_minute_are_written_and_the_others_counted() {
        let denials = Denials::default();
        deny(&denials, Principal::Anyone, 13, NOW);
        deny(&denials, Principal::Store, 2, NOW);
        let found = shown(&denials.take(NOW));
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|entry| entry.ends_with(r#"settings:write {"on":null}"#)), "{found:?}");
        deny(&denials, Principal::Anyone, 1, NOW + MINUTE / 2);
        assert_eq!(denials.take(NOW + MINUTE / 2), []);
        assert_eq!(shown(&denials.take(NOW + MINUTE)), [r#"anyone denials {"left_out":4}"#]);
        deny(&denials, Principal::Anyone, 11, NOW + MINUTE);
        deny(&denials, Principal::Anyone, 1, NOW + MINUTE * 2);
        let found = shown(&denials.take(NOW + MINUTE * 2));
        assert_eq!((found.len(), found[10].as_str()), (12, r#"anyone denials {"left_out":1}"#));
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let denials = Denials::default();
        deny(&denials, Principal::Anyone, 1, NOW);
        let taken = denials.take(NOW);
        deny(&denials, Principal::Store, 1, NOW);
        denials.put_back(taken);
        assert_eq!(
            denials.take(NOW).iter().map(|entry| entry.principal.as_str()).collect::<Vec<_>>(),
            ["anyone", "store"]
        );
    }
}
