//! Calls about access tokens.

use enginehouse_api::page::{Page, PageQuery};
use enginehouse_api::tokens::{CreateTokenRequest, NewToken, RotateTokenRequest, TokenView};
use enginehouse_core::access::secret::Accessor;
use reqwest::Method;

use super::Client;
use crate::error::Error;
use crate::transport::{HttpCall, Repeat, RequestBody};

impl Client {
    /// Makes a token.
    pub async fn create_token(&self, request: &CreateTokenRequest) -> Result<NewToken, Error> {
        self.post("/v1/tokens".to_owned(), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// One page of tokens, by accessor.
    pub async fn tokens(&self, query: &PageQuery) -> Result<Page<TokenView>, Error> {
        self.list("/v1/tokens", query).await
    }

    /// One token.
    pub async fn token(&self, accessor: &Accessor) -> Result<TokenView, Error> {
        self.get(format!("/v1/tokens/{accessor}")).await
    }

    /// Gives a token a new secret.
    pub async fn rotate_token(&self, accessor: &Accessor, request: &RotateTokenRequest) -> Result<NewToken, Error> {
        self.post(format!("/v1/tokens/{accessor}/rotate"), RequestBody::json(request), Repeat::IfNotApplied).await
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, accessor: &Accessor) -> Result<TokenView, Error> {
        let path = format!("/v1/tokens/{accessor}");
        let (method, body) = (Method::DELETE, RequestBody::Nothing);
        self.transport.json(HttpCall { method, path, body, repeat: Repeat::Always, timeout: None }).await
    }
}
