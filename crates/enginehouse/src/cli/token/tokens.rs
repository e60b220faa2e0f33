//! The tokens of a house, by its server or in its store.

use enginehouse_api::page::PageQuery;
use enginehouse_api::tokens::{CreateTokenRequest, NewToken, RotateTokenRequest, TokenView};
use enginehouse_client::{Client, Error};
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::TokenStatus;
use enginehouse_core::limits::MAX_PAGE;

use super::super::cli_error::CliError;
use super::offline::OfflineTokens;
use crate::exit_codes::Exit;

pub(super) enum Tokens {
    Online(Box<Client>),
    Offline(Box<OfflineTokens>),
}

impl Tokens {
    /// All of them, by accessor.
    pub(super) async fn all(&self) -> Result<Vec<TokenView>, CliError> {
        let client = match self {
            Self::Online(client) => client,
            Self::Offline(store) => return store.all().await,
        };
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = client.tokens(&PageQuery { limit: Some(MAX_PAGE.into()), cursor }).await;
            let page = page.map_err(|error| CliError::call("could not list tokens", error))?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// The token of this accessor, or of this name: of several, the one that is not revoked.
    pub(super) async fn find(&self, named: &str) -> Result<TokenView, CliError> {
        let all = self.all().await?;
        let is_meant = |token: &&TokenView| token.accessor.as_str() == named || token.name.as_str() == named;
        let found = all.iter().filter(is_meant).min_by_key(|token| {
            (token.accessor.as_str() != named, token.status == TokenStatus::Revoked, token.revoked_at)
        });
        found.cloned().ok_or_else(|| {
            // What was named may be a whole token.
            let why = "no token has that accessor or name";
            CliError::new(Exit::NotFound, "there is no such token", why, "see `enginehouse token list`")
        })
    }

    pub(super) async fn create(&self, request: &CreateTokenRequest) -> Result<NewToken, CliError> {
        match self {
            Self::Online(client) => client.create_token(request).await.map_err(|error| uncreated(request, error)),
            Self::Offline(store) => store.create(request).await,
        }
    }

    pub(super) async fn rotate(&self, accessor: &Accessor, request: &RotateTokenRequest) -> Result<NewToken, CliError> {
        let failed = |error| CliError::call(format!("could not rotate token {accessor}"), error);
        match self {
            Self::Online(client) => client.rotate_token(accessor, request).await.map_err(failed),
            Self::Offline(store) => store.rotate(accessor, request).await,
        }
    }

    pub(super) async fn revoke(&self, accessor: &Accessor) -> Result<TokenView, CliError> {
        let failed = |error| CliError::call(format!("could not revoke token {accessor}"), error);
        match self {
            Self::Online(client) => client.revoke_token(accessor).await.map_err(failed),
            Self::Offline(store) => store.revoke(accessor).await,
        }
    }
}

fn uncreated(request: &CreateTokenRequest, error: Error) -> CliError {
    CliError::call(format!("could not make token {}", request.name), error)
}
