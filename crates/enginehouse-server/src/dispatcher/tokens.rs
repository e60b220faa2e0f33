//! People make, rotate and revoke tokens; the server notes when they were used.

use async_trait::async_trait;
use enginehouse_store::rows::{RegistryChange, TokenUse};

use super::actor::Actor;
use super::context::TransactionContext;
use super::operation::Operation;
use super::reply::{OperationResult, Refusal};
use crate::access::token_changes::{ChangedToken, TokenChange, change_token};

/// Change a token, as somebody who may.
#[derive(Clone, Debug)]
pub struct ChangeToken {
    pub by: Actor,
    pub change: TokenChange,
}

#[async_trait(?Send)]
impl Operation for ChangeToken {
    type Answer = ChangedToken;

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<ChangedToken> {
        context.registry.raise(&mut *context.transaction, RegistryChange::Tokens).await?;
        match change_token(&mut *context.transaction, context.rng, &self.by, &self.change).await? {
            Ok((changed, entry)) => {
                context.audit_entries.push(entry);
                Ok(Ok(changed))
            }
            Err(refused) => Ok(Err(Refusal::Token(refused))),
        }
    }
}

/// Note when secrets of tokens were last used.
#[derive(Clone, Debug)]
pub(crate) struct NoteTokenUses(pub(crate) Vec<TokenUse>);

#[async_trait(?Send)]
impl Operation for NoteTokenUses {
    type Answer = ();

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<()> {
        context.transaction.note_token_uses(&self.0).await?;
        Ok(Ok(()))
    }
}
