//! Making, rotating and revoking tokens, in a transaction: that of a server, or of somebody who has the store itself.

use std::time::Duration;

use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::secret::{AccessToken, Accessor};
use enginehouse_core::access::token::{TokenDraft, TokenRecord};
use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::ids::TokenName;
use enginehouse_core::limits::MAX_TOKENS;
use enginehouse_store::{StoreError, Transaction};
use serde_json::{Value, json};

use crate::dispatcher::actor::Actor;
use crate::rng::Rng;

/// What is changed about tokens.
#[derive(Clone, Debug)]
pub enum TokenChange {
    Create {
        draft: TokenDraft,
    },
    Rotate {
        accessor: Accessor,
        /// For how long the present secret is taken, too.
        overlap: Duration,
        /// How long the token lasts from now; as long as its role does if none.
        life: Option<Duration>,
    },
    Revoke {
        accessor: Accessor,
    },
}

/// A token that was changed, and its text if it has a new one. One that certificates open has none.
#[derive(Clone, Debug)]
pub struct ChangedToken {
    pub record: TokenRecord,
    pub token: Option<AccessToken>,
}

/// Why a token was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenRefused {
    #[error("there is no token {0}")]
    NoSuchToken(Accessor),
    #[error("token {accessor} has the name {name}, and is not revoked: choose another name, or revoke it first")]
    NameTaken { name: TokenName, accessor: Accessor },
    #[error("token {accessor} is opened by certificates of {certificate_name}, and is not revoked: revoke it first")]
    CertificateTaken { certificate_name: CertificateName, accessor: Accessor },
    #[error("the store has {MAX_TOKENS} tokens, which is as many as it keeps")]
    TooMany,
    #[error("token {0} is revoked: make a new one")]
    Revoked(Accessor),
    #[error(
        "nobody gives away more than they have: the selectors of the new token reach further than those of your own"
    )]
    ReachesFurther,
}

/// Carries out a change, with secrets of `rng`, which nobody must be able to guess. The registry version has been raised before, in the same transaction: so nobody else changes tokens
/// meanwhile.
///
/// # Errors
/// The store fails.
pub async fn change_token(
    transaction: &mut dyn Transaction,
    rng: &mut dyn Rng,
    by: &Actor,
    change: &TokenChange,
) -> Result<Result<(ChangedToken, AuditEntry), TokenRefused>, StoreError> {
    let now = transaction.now();
    let all = transaction.all_tokens().await?;
    // What reaches further than whoever asks is as if it were not there.
    let find = |accessor: &Accessor| {
        let found = all.iter().find(|token| token.accessor == *accessor && by.covers(&token.selectors));
        found.ok_or_else(|| TokenRefused::NoSuchToken(accessor.clone()))
    };
    let changed = match change {
        TokenChange::Create { draft } => {
            let mut active = all.iter().filter(|other| other.revoked_at.is_none());
            let taken = active.clone().find(|other| other.name == draft.name);
            let name = draft.certificate_name.as_ref();
            let opened = name.and_then(|name| active.find(|other| other.certificate_name.as_ref() == Some(name)));
            match taken {
                Some(other) => {
                    Err(TokenRefused::NameTaken { name: draft.name.clone(), accessor: other.accessor.clone() })
                }
                None if let (Some(other), Some(name)) = (opened, name) => Err(TokenRefused::CertificateTaken {
                    certificate_name: name.clone(),
                    accessor: other.accessor.clone(),
                }),
                None if all.len() as u64 >= MAX_TOKENS => Err(TokenRefused::TooMany),
                None if !by.covers(&draft.selectors) => Err(TokenRefused::ReachesFurther),
                None => {
                    let token = AccessToken::made(rng.bits() as u64, rng.secret());
                    let by = by.principal.to_string();
                    let record = draft.clone().made(token.accessor().clone(), token.hash(), by, now);
                    let token = Some(token).filter(|_| record.certificate_name.is_none());
                    Ok(("token.create", ChangedToken { record, token }))
                }
            }
        }
        TokenChange::Rotate { accessor, overlap, life } => find(accessor).and_then(|token| {
            if token.revoked_at.is_some() {
                return Err(TokenRefused::Revoked(accessor.clone()));
            }
            let new = AccessToken::with_accessor(accessor.clone(), rng.secret());
            let record = token.rotated(new.hash(), *overlap, *life, now);
            let new = Some(new).filter(|_| record.certificate_name.is_none());
            Ok(("token.rotate", ChangedToken { record, token: new }))
        }),
        TokenChange::Revoke { accessor } => find(accessor).map(|token| {
            let revoked = TokenRecord {
                revoked_at: token.revoked_at.or(Some(now)),
                revoked_by: token.revoked_by.clone().or_else(|| Some(by.principal.to_string())),
                ..token.clone()
            };
            ("token.revoke", ChangedToken { record: revoked, token: None })
        }),
    };
    let (action, changed) = match changed {
        Ok(changed) => changed,
        Err(refused) => return Ok(Err(refused)),
    };
    transaction.write_token(&changed.record).await?;
    let TokenRecord { accessor, .. } = &changed.record;
    let detail = detail(&changed.record);
    let entry = by.entry(now, (action, accessor.to_string()), AuditOutcome::Done, &detail);
    Ok(Ok((changed, entry)))
}

/// What the audit log says of a token: nothing of its secret.
fn detail(token: &TokenRecord) -> Value {
    json!({
        "name": token.name,
        "role": token.role,
        "read_payloads": token.reads_payloads,
        "selectors": token.selectors,
        "allowed_addresses": token.allowed_addresses,
        "certificate_name": token.certificate_name,
        "expires_at": token.expires_at,
        "previous_secret_until": token.previous.map(|previous| previous.expires_at),
    })
}
