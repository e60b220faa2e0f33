//! Tokens in a store that is opened for it: whoever has the store may do everything anyway.

use std::sync::Arc;

use enginehouse_api::tokens::{CreateTokenRequest, NewToken, RotateTokenRequest, Rotation, TokenView};
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::TokenDraft;
use enginehouse_core::input::{Value, read_json};
use enginehouse_server::access::token_changes::{ChangedToken, TokenChange, TokenRefused, change_token};
use enginehouse_server::dispatcher::actor::Actor;
use enginehouse_server::rng::SeededRng;
use enginehouse_store::Store;
use enginehouse_store::rows::RegistryChange;
use serde::Serialize;

use super::super::cli_error::CliError;
use super::super::offline_store::store_failed;
use crate::exit_codes::Exit;

/// A store that is open.
pub(super) struct OfflineTokens(Arc<dyn Store>);

impl OfflineTokens {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    pub(super) async fn all(&self) -> Result<Vec<TokenView>, CliError> {
        let now = self.0.begin().await.map_err(store_failed)?.now();
        let found = self.0.tokens().await.map_err(store_failed)?;
        Ok(found.tokens.into_iter().map(|token| TokenView::of(token, now)).collect())
    }

    pub(super) async fn create(&self, request: &CreateTokenRequest) -> Result<NewToken, CliError> {
        let draft = checked(request, TokenDraft::read)?;
        self.change(TokenChange::Create { draft }).await.map(new_token)
    }

    pub(super) async fn rotate(&self, accessor: &Accessor, request: &RotateTokenRequest) -> Result<NewToken, CliError> {
        let Rotation { overlap, life } = checked(request, RotateTokenRequest::read)?;
        self.change(TokenChange::Rotate { accessor: accessor.clone(), overlap, life }).await.map(new_token)
    }

    pub(super) async fn revoke(&self, accessor: &Accessor) -> Result<TokenView, CliError> {
        let changed = self.change(TokenChange::Revoke { accessor: accessor.clone() }).await?;
        let now = changed.record.revoked_at.unwrap_or(changed.record.created_at);
        Ok(TokenView::of(changed.record, now))
    }

    async fn change(&self, change: TokenChange) -> Result<ChangedToken, CliError> {
        let mut rng = random()?;
        let mut transaction = self.0.begin().await.map_err(store_failed)?;
        transaction.raise_registry_version(RegistryChange::Tokens).await.map_err(store_failed)?;
        let changed = change_token(&mut *transaction, &mut rng, &Actor::STORE, &change).await.map_err(store_failed)?;
        let (changed, entry) = changed.map_err(|refused| refusal(&refused))?;
        transaction.insert_audit(&[entry]).await.map_err(store_failed)?;
        transaction.commit().await.map_err(store_failed)?;
        self.0.link_audit().await.map_err(store_failed)?;
        Ok(changed)
    }
}

/// Reads a request as a server would.
fn checked<T>(request: &impl Serialize, read: impl FnOnce(Value<'_>) -> Option<T>) -> Result<T, CliError> {
    let text = serde_json::to_vec(request).unwrap_or_default();
    read_json(&text, read).map_err(|why| CliError::new(Exit::Invalid, "nothing was done", why, "correct what it names"))
}

fn new_token(changed: ChangedToken) -> NewToken {
    let ChangedToken { record, token } = changed;
    let now = record.rotated_at.unwrap_or(record.created_at);
    NewToken { token: token.map(|token| token.reveal()), kept: TokenView::of(record, now) }
}

fn random() -> Result<SeededRng, CliError> {
    SeededRng::from_system().map_err(|error| {
        CliError::new(Exit::Failed, "nothing was done", error, "see that the system can give random numbers")
    })
}

fn refusal(refused: &TokenRefused) -> CliError {
    let exit = match refused {
        TokenRefused::NoSuchToken(_) => Exit::NotFound,
        TokenRefused::TooMany => Exit::Failed,
        _ => Exit::Conflict,
    };
    CliError::new(exit, "nothing was done", refused, "see `enginehouse token list` with the same --store")
}
