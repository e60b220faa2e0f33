//! Who has asked for a change, for the audit log.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use enginehouse_core::access::principal::Principal;
use http::Extensions;
use http::request::Parts;

use super::budgets::CallOrigin;
use crate::dispatcher::actor::Actor;

/// The id of a request: an extension of it.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// Whoever sends a request with these extensions. Their principal is known once they were admitted.
pub(super) fn actor_of(extensions: &Extensions) -> Actor {
    Actor {
        principal: extensions.get::<Principal>().cloned().unwrap_or_default(),
        request_id: extensions.get().map(|RequestId(id)| Arc::clone(id)),
        address: extensions.get().map(|origin: &CallOrigin| origin.address().to_string().into()),
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(actor_of(&parts.extensions))
    }
}
