//! Who has asked for something, and by which request: what the audit log says of it.

use std::ops::Deref;
use std::sync::Arc;

use enginehouse_core::access::principal::Principal;
use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;

/// Who has asked for something. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub principal: Principal,
    /// The id of the request, as the access log has it.
    pub request_id: Option<Arc<str>>,
    /// From where it came.
    pub address: Option<Arc<str>>,
}

impl Actor {
    /// The server, for what it does by itself.
    pub const SERVER: Self = Self { principal: Principal::Server, request_id: None, address: None };
    /// Whoever has opened the store itself.
    pub const STORE: Self = Self { principal: Principal::Store, request_id: None, address: None };

    /// An entry of the audit log that says what they did, or were kept from.
    pub fn entry(
        &self,
        at: Timestamp,
        (action, target): (&str, String),
        outcome: AuditOutcome,
        detail: &serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            at,
            request_id: self.request_id.as_deref().map(str::to_owned),
            principal: self.principal.to_string(),
            address: self.address.as_deref().map(str::to_owned),
            action: action.to_owned(),
            target,
            outcome,
            detail: RawJson::from(detail),
        }
    }
}

impl Deref for Actor {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl From<Principal> for Actor {
    fn from(principal: Principal) -> Self {
        Self { principal, request_id: None, address: None }
    }
}
