//! Access tokens: make, look, rotate, revoke.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_api::tokens::{CreateTokenRequest, NewToken, RotateTokenRequest, Rotation, TokenPage, TokenView};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::token::{TokenDraft, TokenRecord};
use enginehouse_store::rows::ResultPage;
use http::{StatusCode, header};

use super::app::App;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems, TokenProblems, WriteProblems};
use crate::access::token_changes::{ChangedToken, TokenChange};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::tokens::ChangeToken;

/// Make a token. Its text is answered this once; what is kept of it does not tell it.
///
/// The first token of a store cannot be made by a call: `enginehouse token create --store` makes it, for whoever has the store.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", extensions(("x-permission" = json!({ "any_of": [Permission::TokensWrite.name()], "selectors": true }))),
    request_body = CreateTokenRequest, responses(
    (status = 201, description = "The token.", body = NewToken,
        headers(("Location" = String, description = "The token's address."))),
    WriteProblems,
))]
pub(super) async fn create_token(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let draft = body.read(TokenDraft::read)?;
    if by.principal == Principal::Anyone {
        let detail = "the first token is not made by a call, or anybody who reaches the server could shut out all others: \
                      run `enginehouse token create NAME --role admin --store URL` where the store is";
        return Err(ProblemResponse::new(Code::Forbidden, detail));
    }
    let answer = change(&app, by, TokenChange::Create { draft }).await?;
    let location = format!("/v1/tokens/{}", answer.kept.accessor);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// List tokens by accessor: those that are over, too, and none that reach further than your own.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", extensions(("x-permission" = json!({ "any_of": [Permission::TokensRead.name()], "selectors": true }))),
    params(PageQuery), responses((status = 200, description = "A page of tokens.", body = TokenPage), ListProblems))]
pub(super) async fn list_tokens(
    State(app): State<App>,
    by: Actor,
    query: Query,
) -> Result<Json<TokenPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::Tokens))?;
    let now = app.metrics().store_now();
    let mut items = visible(&app, &by).await?;
    items.retain(|token| page.after.as_deref().is_none_or(|after| token.accessor.as_str() > after));
    let has_more = items.len() > page.limit as usize;
    items.truncate(page.limit as usize);
    let next = items.last().filter(|_| has_more).map(|token| token.accessor.to_string());
    Ok(Json(listed(ListKind::Tokens, ResultPage { items, next }, |token| TokenView::of(token, now))))
}

/// Show one token.
#[utoipa::path(get, path = "/v1/tokens/{accessor}", tag = "tokens", extensions(("x-permission" = json!({ "any_of": [Permission::TokensRead.name()], "selectors": true }))),
    params(("accessor" = Accessor, Path, description = "The token.")),
    responses((status = 200, description = "The token.", body = TokenView), ReadProblems))]
pub(super) async fn get_token(
    State(app): State<App>,
    by: Actor,
    Path(accessor): Path<Accessor>,
) -> Result<Json<TokenView>, ProblemResponse> {
    let now = app.metrics().store_now();
    let found = visible(&app, &by).await?.into_iter().find(|token| token.accessor == accessor);
    let token = found.ok_or_else(|| Problem::not_found(format_args!("token {accessor}")))?;
    Ok(Json(TokenView::of(token, now)))
}

/// Give a token a new secret and a new end. The present secret is taken for a while, too.
///
/// A repeat gives it another one.
#[utoipa::path(post, path = "/v1/tokens/{accessor}/rotate", tag = "tokens", extensions(("x-permission" = json!({ "any_of": [Permission::TokensWrite.name()], "selectors": true }))),
    params(("accessor" = Accessor, Path, description = "The token.")), request_body = Option<RotateTokenRequest>,
    responses((status = 200, description = "The token, with its new text.", body = NewToken), TokenProblems))]
pub(super) async fn rotate_token(
    State(app): State<App>,
    by: Actor,
    Path(accessor): Path<Accessor>,
    body: JsonBody,
) -> Result<Json<NewToken>, ProblemResponse> {
    let Rotation { overlap, life } = body.read_or_default(RotateTokenRequest::read)?;
    change(&app, by, TokenChange::Rotate { accessor, overlap, life }).await.map(Json)
}

/// Revoke a token: within a second no server takes it any more, and its requests that wait are ended.
#[utoipa::path(delete, path = "/v1/tokens/{accessor}", tag = "tokens", extensions(("x-permission" = json!({ "any_of": [Permission::TokensWrite.name()], "selectors": true }))),
    params(("accessor" = Accessor, Path, description = "The token.")),
    responses((status = 200, description = "The token, revoked.", body = TokenView), TokenProblems))]
pub(super) async fn revoke_token(
    State(app): State<App>,
    by: Actor,
    Path(accessor): Path<Accessor>,
) -> Result<Json<TokenView>, ProblemResponse> {
    let changed = carry_out(&app, by, TokenChange::Revoke { accessor }).await?;
    Ok(Json(TokenView::of(changed.record, app.metrics().store_now())))
}

async fn visible(app: &App, by: &Principal) -> Result<Vec<TokenRecord>, ProblemResponse> {
    let mut tokens = app.store().tokens().await?.tokens;
    tokens.retain(|token| by.covers(&token.selectors));
    Ok(tokens)
}

async fn change(app: &App, by: Actor, change: TokenChange) -> Result<NewToken, ProblemResponse> {
    let ChangedToken { record, token } = carry_out(app, by, change).await?;
    Ok(NewToken { token: token.map(|token| token.reveal()), kept: TokenView::of(record, app.metrics().store_now()) })
}

/// Changes a token. Before anybody is told, this server knows.
async fn carry_out(app: &App, by: Actor, change: TokenChange) -> Result<ChangedToken, ProblemResponse> {
    let changed = app.dispatcher().execute(ChangeToken { by, change }).await?;
    if let Err(error) = app.tokens().load(app.store()).await {
        // It is changed: what follows the tokens reads them again.
        tracing::warn!(%error, "a token was changed, and the tokens cannot be read yet");
        app.tokens().unload();
    }
    Ok(changed)
}
