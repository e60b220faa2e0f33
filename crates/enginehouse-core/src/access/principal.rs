//! Who calls.

use std::fmt;
use std::sync::Arc;

use super::role::{Permission, Role};
use super::secret::Accessor;
use super::selector::Selectors;
use super::token::TokenRecord;
use crate::ids::{EngineId, EventId, OperationId, TokenName};
use crate::lane::LaneKey;
use crate::lock::LockToken;

/// Who calls, and so what they may do. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Principal {
    /// As long as there is no token, everybody who reaches the server may do everything.
    #[default]
    Anyone,
    /// Whoever has opened the store itself, without a server.
    Store,
    /// The server, for what it does by itself.
    Server,
    /// The bearer of a token.
    Bearer(Arc<Grant>),
    /// The command that works on one event, with the token of its attempt.
    Command(Arc<CommandGrant>),
    /// An operation, for what it does to its members.
    Operation(Arc<OperationGrant>),
}

/// In whose name an operation acts. It was permitted when it was created, and its selectors are kept with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationGrant {
    pub operation_id: OperationId,
    /// Of the token that it was created with.
    pub accessor: Option<Accessor>,
}

/// What the token of an attempt gives to the command that has it: to report on the attempt, and to settle it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGrant {
    pub event_id: EventId,
    /// The lock of the attempt.
    pub lock: LockToken,
}

/// What a token gives to its bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub accessor: Accessor,
    pub name: TokenName,
    pub role: Role,
    pub reads_payloads: bool,
    pub selectors: Arc<Selectors>,
}

impl From<&TokenRecord> for Grant {
    fn from(token: &TokenRecord) -> Self {
        Self {
            accessor: token.accessor.clone(),
            name: token.name.clone(),
            role: token.role,
            reads_payloads: token.reads_payloads,
            selectors: Arc::new(token.selectors.clone()),
        }
    }
}

impl Principal {
    /// Whether they may do that, on what they may act at all.
    pub fn may(&self, permission: Permission) -> bool {
        match self {
            Self::Anyone | Self::Store | Self::Server => true,
            Self::Command(_) => permission == Permission::AttemptsSettle,
            // It makes no calls.
            Self::Operation(_) => false,
            Self::Bearer(grant) => {
                grant.role.may(permission) || (permission == Permission::EventsReadPayload && grant.reads_payloads)
            }
        }
    }

    /// On what they may act; none if that is not limited.
    pub fn selectors(&self) -> Option<&Arc<Selectors>> {
        match self {
            Self::Anyone | Self::Store | Self::Server | Self::Command(_) | Self::Operation(_) => None,
            Self::Bearer(grant) => Some(&grant.selectors).filter(|selectors| !selectors.is_empty()),
        }
    }

    /// The same as selectors that limit nothing if that is not limited: for what only takes a part of what there is.
    pub fn reach(&self) -> Arc<Selectors> {
        self.selectors().cloned().unwrap_or_default()
    }

    /// Whether the events of a lane are among what they may act on.
    pub fn admits_lane(&self, lane: &LaneKey) -> bool {
        self.selectors().is_none_or(|selectors| selectors.admit_lane(lane))
    }

    /// Whether an engine is.
    pub fn admits_engine(&self, engine_id: &EngineId) -> bool {
        self.selectors().is_none_or(|selectors| selectors.admit_engine(engine_id))
    }

    /// Whether they may give away a token like this: nobody gives what they do not have.
    pub fn covers(&self, selectors: &Selectors) -> bool {
        self.selectors().is_none_or(|own| own.cover(selectors))
    }

    /// Whether they have to show the session of the engine that they act as.
    pub fn must_show_session(&self) -> bool {
        *self != Self::Anyone
    }

    /// The accessor of their token.
    pub fn accessor(&self) -> Option<&Accessor> {
        match self {
            Self::Anyone | Self::Store | Self::Server | Self::Command(_) => None,
            Self::Bearer(grant) => Some(&grant.accessor),
            Self::Operation(grant) => grant.accessor.as_ref(),
        }
    }
}

/// As logs and the audit log name them.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Command(grant) => write!(f, "the command of event {}", grant.event_id),
            Self::Operation(grant) => write!(f, "operation {}", grant.operation_id),
            Self::Store => f.write_str("store"),
            Self::Server => f.write_str("server"),
            Self::Bearer(grant) => fmt::Display::fmt(&grant.accessor, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;
    use crate::access::secret::AccessToken;
    use crate::access::token::TokenDraft;
    use crate::time::Timestamp;

    fn bearer(draft: &str, selectors: &str) -> Principal {
        let draft = crate::input::read_json(draft.as_bytes(), TokenDraft::read).unwrap();
        let draft = TokenDraft { selectors: serde_json::from_str(selectors).unwrap(), ..draft };
        let token = AccessToken::made(1, [1; 32]);
        let record = draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), Timestamp::MIN);
        Principal::Bearer(Arc::new(Grant::from(&record)))
    }

    #[test]
    fn an_operator_reads_payloads_only_if_its_token_says_so() {
        let without = bearer(r#"{"name":"a","role":"operator"}"#, "{}");
        let with = bearer(r#"{"name":"a","role":"operator","read_payloads":true}"#, "{}");
        assert!(!without.may(Permission::EventsReadPayload) && with.may(Permission::EventsReadPayload));
        assert!(with.may(Permission::EventsControl) && !with.may(Permission::EventsEnqueue));
        assert!(Principal::Anyone.may(Permission::TokensWrite));
    }

    #[test]
    fn the_command_of_an_attempt_may_settle_it_and_nothing_else() {
        let lock = LockToken { serial: 1, secret: 2 };
        let command = Principal::Command(Arc::new(CommandGrant { event_id: EventId(uuid::Uuid::nil()), lock }));
        let may: Vec<_> = Permission::VARIANTS.iter().filter(|permission| command.may(**permission)).collect();
        assert_eq!(may, [&Permission::AttemptsSettle]);
    }

    #[test]
    fn what_is_not_limited_admits_everything() {
        let engine = r#"{"name":"a","role":"engine"}"#;
        let (all, some) = (bearer(engine, "{}"), bearer(engine, r#"{"engines":["sim-*"]}"#));
        let (sim, gpu): (EngineId, EngineId) = ("sim-1".parse().unwrap(), "gpu-1".parse().unwrap());
        assert!(all.selectors().is_none() && all.admits_engine(&gpu) && Principal::Anyone.admits_engine(&gpu));
        assert!(some.admits_engine(&sim) && !some.admits_engine(&gpu));
        assert!(!some.covers(&Selectors::default()), "it would give away more than it has");
    }
}
