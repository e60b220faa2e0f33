//! The header `Enginehouse-Session`, by which the process of an engine proves that it is the one that has registered.

use axum::extract::FromRequestParts;
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::secret::SecretHash;
use enginehouse_core::access::session::{SessionProof, SessionToken};
use enginehouse_core::request::Settler;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::problem::ProblemResponse;

const NAME: HeaderName = HeaderName::from_static("enginehouse-session");

/// What the header holds, if it is there: what is kept of such a session token. Boxed, for each argument of a handler takes room
/// twice as long as a claim waits.
#[derive(Clone, Debug)]
pub(super) struct SessionHeader(Option<Box<SecretHash>>);

impl SessionHeader {
    /// What it proves to a call that an engine makes. Without access tokens, it need not be there.
    pub(super) fn proof(&self, principal: &Principal) -> SessionProof {
        match &self.0 {
            Some(shown) => SessionProof::Shown(**shown),
            None if principal.must_show_session() => SessionProof::Missing,
            None => SessionProof::NotAskedFor,
        }
    }

    /// The same of a call that an engine makes about itself, and whoever may control engines about any.
    pub(super) fn proof_unless_controller(&self, principal: &Principal) -> SessionProof {
        match &self.0 {
            None if principal.may(Permission::EnginesControl) => SessionProof::NotAskedFor,
            _ => self.proof(principal),
        }
    }

    /// Who settles a lock.
    pub(super) fn settler(&self, principal: &Principal) -> Settler {
        match principal {
            Principal::Command(_) => Settler::Command,
            _ => Settler::Engine(self.proof(principal)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SessionHeader {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemResponse> {
        Ok(Self(read(&mut parts.headers)?.map(Box::new)))
    }
}

/// It is taken out: nothing behind a handler has a use for it.
fn read(headers: &mut HeaderMap) -> Result<Option<SecretHash>, ProblemResponse> {
    let is_one = headers.get_all(NAME).iter().count() == 1;
    let Some(value) = headers.remove(NAME) else { return Ok(None) };
    let token: Option<SessionToken> = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    match token.filter(|_| is_one) {
        Some(token) => Ok(Some(token.hash())),
        None => Err(Problem::wrong_session(None).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_session_token_is_refused_and_not_shown() {
        let token = SessionToken::made([1; 32]);
        let headers = |text: &str| HeaderMap::from_iter([(NAME, text.parse().unwrap())]);
        assert!(read(&mut headers(&format!(" {token} "))).unwrap() == Some(token.hash()));
        assert!(read(&mut HeaderMap::new()).unwrap().is_none());
        for text in ["", "secret", &token.to_string()[..54]] {
            let refused = read(&mut headers(text)).unwrap_err();
            let problem = refused.document();
            assert_eq!((problem.status, problem.code.name()), (403, "wrong_session"));
            assert_eq!(problem.detail, "the header Enginehouse-Session holds no session token");
        }
    }
}
