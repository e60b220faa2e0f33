//! Tokens that tests have.

use std::sync::atomic::{AtomicU64, Ordering};

use enginehouse_core::access::token::TokenDraft;
use enginehouse_core::input::read_json;
use enginehouse_server::access::token_changes::{TokenChange, change_token};
use enginehouse_server::dispatcher::actor::Actor;
use enginehouse_server::rng::SeededRng;
use enginehouse_store::Store;
use enginehouse_store::rows::RegistryChange;

/// Makes a token with the store itself, as the command line does. Answers its text, or the accessor of one that certificates open.
#[allow(dead_code, reason = "not every suite needs it")]
pub(crate) async fn token_in(store: &dyn Store, draft: &str) -> String {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let mut rng = SeededRng::from_seed(SEED.fetch_add(1, Ordering::Relaxed));
    let draft = read_json(draft.as_bytes(), TokenDraft::read).unwrap();
    // On a file, the dispatcher's transactions and this one take turns.
    let mut tx = store.begin().await.unwrap();
    tx.raise_registry_version(RegistryChange::Tokens).await.unwrap();
    let change = TokenChange::Create { draft };
    let (made, _) = change_token(&mut *tx, &mut rng, &Actor::STORE, &change).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    made.token.map_or(made.record.accessor.to_string(), |token| token.reveal())
}
