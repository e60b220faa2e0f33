//! Whether a process may register under an id that another one has, and what the locks that it ends count for.
//!
//! Whoever shows the session of the engine is its own process, and begins a new epoch whenever it likes. Any other process that
//! wants the id of an engine which lives takes it over: it has to say so, and to call with the token that the engine was registered
//! with. Once the engine is lost or has stopped, its id is free to whoever may register under it.
//!
//! Without access tokens everybody may do everything, and a registration takes the id as it always has.

use std::time::Duration;

use super::{EngineStatus, RegisteredEngine};
use crate::access::principal::Principal;
use crate::access::session::SessionProof;
use crate::time::Timestamp;
use crate::transition::Loss;

/// How many takeovers of one id may follow each other without a pause.
const BURST: u32 = 5;
/// How long it takes until one more may.
const INTERVAL: Duration = Duration::from_secs(12);

/// Who registers.
#[derive(Clone, Copy, Debug)]
pub struct Registrant<'a> {
    pub principal: &'a Principal,
    /// What it shows of the session that the engine has.
    pub session: SessionProof,
    /// Whether it says that it takes over an engine that lives.
    pub takeover: bool,
}

/// What a registration is to the engine that has the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// The engine begins anew: its process has gone, or says so itself.
    Restart,
    /// Another process takes the place of one that lives. Until then, takeovers of the id are counted together.
    Takeover { counted_until: Timestamp },
}

/// Why a process may not register under an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuccessionRefused {
    /// The engine lives: until then if nothing more is heard of it, or until somebody deregisters it.
    Alive { until: Option<Timestamp> },
    /// It is taken over again and again.
    TooOften { retry_after: Duration },
}

impl Succession {
    /// Why the locks that the engine holds are lost.
    pub fn loss(self) -> Loss {
        match self {
            Self::Restart => Loss::EngineSuperseded,
            Self::Takeover { .. } => Loss::TakenOver,
        }
    }

    /// Until when takeovers are counted together with those before; none if there was none lately.
    pub fn takeovers_counted_until(self, before: Option<&RegisteredEngine>) -> Option<Timestamp> {
        match self {
            Self::Restart => before.and_then(|before| before.takeovers_counted_until),
            Self::Takeover { counted_until } => Some(counted_until),
        }
    }
}

impl RegisteredEngine {
    /// Whether its process has to be taken for one that lives.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        matches!(self.status, EngineStatus::Active | EngineStatus::Draining)
            && self.lost_due_at.is_none_or(|due| due > now)
    }

    /// What it would be to this engine if somebody registered under its id now.
    ///
    /// # Errors
    /// They may not.
    pub fn succession(&self, by: Registrant<'_>, now: Timestamp) -> Result<Succession, SuccessionRefused> {
        if !self.is_alive(now) || by.session.is_of(self.session.as_ref()) {
            return Ok(Succession::Restart);
        }
        // Nobody but whoever has a token is bound by whose it was.
        let is_open = matches!(by.principal, Principal::Anyone | Principal::Store | Principal::Server);
        let same_token = by.principal.accessor().is_some_and(|accessor| self.registered_by.as_ref() == Some(accessor));
        match by.takeover {
            false if is_open => Ok(Succession::Restart),
            true if is_open || same_token => self.taken_over(now),
            _ => Err(SuccessionRefused::Alive { until: self.lost_due_at }),
        }
    }

    /// Counts a takeover, as a bucket that leaks does: it is full when that time is `BURST` intervals ahead.
    fn taken_over(&self, now: Timestamp) -> Result<Succession, SuccessionRefused> {
        let counted_until = self.takeovers_counted_until.unwrap_or(now).max(now) + INTERVAL;
        match counted_until.since(now).checked_sub(INTERVAL * BURST) {
            Some(retry_after) if !retry_after.is_zero() => Err(SuccessionRefused::TooOften { retry_after }),
            _ => Ok(Succession::Takeover { counted_until }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access::principal::Grant;
    use crate::access::secret::AccessToken;
    use crate::access::session::SessionToken;
    use crate::access::token::TokenDraft;
    use crate::engine::Registration;
    use crate::generation::Generation;
    use crate::input::read_json;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn bearer(number: u64) -> Principal {
        let token = AccessToken::made(number, [1; 32]);
        let draft = read_json(br#"{"name":"a","role":"engine"}"#, TokenDraft::read).unwrap();
        let record = draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), Timestamp::MIN);
        Principal::Bearer(Arc::new(Grant::from(&record)))
    }

    /// An engine that has registered just now with the token of this number, or without any.
    fn engine(interval: u64, token: Option<u64>) -> RegisteredEngine {
        let registration = format!(r#"{{"engine_type":"sim","heartbeat_interval_seconds":{interval}}}"#);
        let read = |value: crate::input::Value<'_>| Registration::read(value, |_| "sim-1".parse().unwrap());
        let registration = read_json(registration.as_bytes(), read).unwrap();
        RegisteredEngine {
            session: Some(SessionToken::made([1; 32]).hash()),
            registered_by: token.and_then(|token| bearer(token).accessor().cloned()),
            ..RegisteredEngine::registered(&registration, None, Generation::FIRST, NOW)
        }
    }

    #[test]
    fn an_engine_that_lives_is_replaced_by_its_own_process_or_knowingly_by_the_same_token() {
        let later = |seconds| NOW + Duration::from_secs(seconds);
        let shown = |number| SessionProof::Shown(SessionToken::made([number; 32]).hash());
        let (own, other, none) = (shown(1), shown(2), SessionProof::Missing);
        let anyone = Principal::Anyone;
        for (engine, by, session, takeover, after, want) in [
            (engine(10, Some(1)), bearer(1), own, false, 1, "restart"),
            (engine(10, Some(1)), bearer(2), own, false, 1, "restart"),
            (engine(10, Some(1)), bearer(1), none, true, 1, "takeover"),
            (engine(10, Some(1)), bearer(1), other, true, 1, "takeover"),
            (engine(10, Some(1)), bearer(1), none, false, 1, "alive until 29"),
            (engine(10, Some(1)), bearer(1), other, false, 29, "alive until 1"),
            (engine(10, Some(1)), bearer(2), none, true, 1, "alive until 29"),
            (engine(10, None), bearer(1), none, true, 1, "alive until 29"),
            (engine(10, Some(1)).drained(false), bearer(2), none, true, 1, "alive until 29"),
            // Its silence is as long as it may be, whether a sweep has seen that or not.
            (engine(10, Some(1)), bearer(2), none, false, 30, "restart"),
            (engine(10, Some(1)).lost(), bearer(2), none, false, 1, "restart"),
            (engine(10, Some(1)).stopped(), bearer(2), none, false, 1, "restart"),
            // One that sends no heartbeats is never lost.
            (engine(0, Some(1)), bearer(2), none, true, 1_000_000, "alive"),
            (engine(0, Some(1)), bearer(1), none, true, 1_000_000, "takeover"),
            (engine(10, None), anyone.clone(), SessionProof::NotAskedFor, false, 1, "restart"),
            (engine(10, None), anyone, SessionProof::NotAskedFor, true, 1, "takeover"),
        ] {
            let now = later(after);
            let registrant = Registrant { principal: &by, session, takeover };
            let got = match engine.succession(registrant, now) {
                Ok(Succession::Restart) => "restart".to_owned(),
                Ok(Succession::Takeover { .. }) => "takeover".to_owned(),
                Err(SuccessionRefused::Alive { until: Some(until) }) => {
                    format!("alive until {}", until.since(now).as_secs())
                }
                Err(SuccessionRefused::Alive { until: None }) => "alive".to_owned(),
                Err(SuccessionRefused::TooOften { .. }) => "too often".to_owned(),
            };
            assert_eq!(got, want, "{by} {session:?} {takeover} after {after} s");
        }
    }

    #[test]
    fn five_takeovers_may_follow_each_other_and_then_one_every_twelve_seconds() {
        let by = bearer(1);
        let registrant = Registrant { principal: &by, session: SessionProof::Missing, takeover: true };
        let mut engine = engine(0, Some(1));
        let mut take_over = |millis| {
            let taken = engine.succession(registrant, NOW + Duration::from_millis(millis));
            if let Ok(succession) = taken {
                engine.takeovers_counted_until = succession.takeovers_counted_until(Some(&engine));
            }
            taken.map(drop)
        };
        for _ in 0..5 {
            assert_eq!(take_over(0), Ok(()));
        }
        let too_often = |millis| Err(SuccessionRefused::TooOften { retry_after: Duration::from_millis(millis) });
        assert_eq!(take_over(0), too_often(12_000));
        assert_eq!(take_over(11_000), too_often(1_000));
        assert_eq!(take_over(12_000), Ok(()), "a refused one does not count");
        assert_eq!(take_over(12_000), too_often(12_000));
        assert_eq!(
            engine.succession(
                Registrant { takeover: false, session: SessionProof::Shown(engine.session.unwrap()), ..registrant },
                NOW
            ),
            Ok(Succession::Restart),
            "its own process may"
        );
    }
}
