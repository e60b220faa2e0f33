//! Who looks at a page: by the session that its browser has, if it has one.

use std::net::IpAddr;

use axum::extract::Request;
use enginehouse_core::access::principal::{Grant, Principal};

use super::app::App;
use super::problem::ProblemResponse;
use super::{auth, body, session_cookie};

/// Who looks at a page.
pub(super) enum Visitor {
    /// There is no token, so everybody may do everything.
    Anyone,
    /// Nobody has logged in with this browser, or the session is over.
    Unknown,
    LoggedIn(Box<Grant>),
}

impl Visitor {
    /// The one who sends a request.
    pub(super) fn of<'a>(
        request: &Request,
        app: &'a App,
    ) -> impl Future<Output = Result<Self, ProblemResponse>> + use<'a> {
        let session = session_cookie::shown(request).unwrap_or_default();
        let address = body::caller(request).ok().and_then(|origin| origin.ip);
        async move {
            if !app.tokens().is_loaded() {
                auth::know_tokens(app).await?;
            }
            Ok(Self::of_session(&session, address, app))
        }
    }

    fn of_session(session: &str, address: Option<IpAddr>, app: &App) -> Self {
        let caller = app.tokens().caller_of_session(session, address, app.metrics().store_now());
        match caller.map(|caller| caller.principal) {
            Ok(Principal::Anyone) => Self::Anyone,
            Ok(Principal::Bearer(grant)) => Self::LoggedIn(Box::new(Grant::clone(&grant))),
            // No browser is any of the others.
            Ok(Principal::Store | Principal::Server | Principal::Command(_) | Principal::Operation(_)) | Err(_) => {
                Self::Unknown
            }
        }
    }
}
