//! What callers prove themselves with.

use enginehouse_core::access::secret::AccessToken;
use enginehouse_core::access::token::{TokenDraft, TokenRecord};
use enginehouse_core::input::read_json;

use super::given::{HOUR, MINUTE, begin};
use crate::Store;
use crate::rows::{RegistryChange, TokenUse};

async fn token(store: &dyn Store, number: u8, draft: &str) -> TokenRecord {
    let draft = read_json(draft.as_bytes(), TokenDraft::read).unwrap();
    let token = AccessToken::made(number.into(), [number; 32]);
    draft.made(token.accessor().clone(), token.hash(), "somebody".to_owned(), begin(store).await.now())
}

async fn write(store: &dyn Store, tokens: &[&TokenRecord]) -> i64 {
    let mut tx = begin(store).await;
    let version = tx.raise_registry_version(RegistryChange::Tokens).await.unwrap();
    for token in tokens {
        tx.write_token(token).await.unwrap();
    }
    tx.commit().await.unwrap();
    version
}

/// Made, rotated, revoked: each field comes back, and the version tells that something has changed.
pub(crate) async fn a_token_is_read_as_it_was_written(store: &dyn Store) {
    let nothing = store.tokens().await.unwrap();
    assert_eq!((nothing.tokens.len(), nothing.exist), (0, false));
    let mut first = token(store, 1, r#"{"name":"ci","role":"operator","read_payloads":true}"#).await;
    let selectors = r#"{"queues":["eu.*","render"],"event_types":["frame"],"engines":["sim-*"]}"#;
    first.selectors = serde_json::from_str(selectors).unwrap();
    first.allowed_addresses = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    let by_certificate = r#"{"name":"other","role":"admin","certificate_name":"spiffe://example.org/é"}"#;
    let second = token(store, 2, by_certificate).await;
    let made = write(store, &[&second, &first]).await;
    let found = store.tokens().await.unwrap();
    let mut want = vec![first.clone(), second.clone()];
    want.sort_by(|one, other| one.accessor.cmp(&other.accessor));
    assert_eq!((&found.tokens, found.exist), (&want, true));
    assert!(found.version >= made && found.version > nothing.version);
    assert_eq!(store.tokens_version().await.unwrap(), found.version);
    first = first.rotated(AccessToken::made(1, [9; 32]).hash(), HOUR, None, first.created_at + MINUTE);
    first = TokenRecord { not_before: Some(first.created_at), ..first };
    write(store, &[&first]).await;
    assert!(store.tokens_version().await.unwrap() > found.version);
    let revoked = TokenRecord {
        revoked_at: Some(second.created_at + MINUTE),
        revoked_by: Some("somebody else".to_owned()),
        ..second
    };
    write(store, &[&revoked]).await;
    let third =
        token(store, 3, r#"{"name":"other","role":"viewer","certificate_name":"spiffe://example.org/é"}"#).await;
    let mut tx = begin(store).await;
    let mut want = vec![first, revoked];
    want.sort_by(|one, other| one.accessor.cmp(&other.accessor));
    assert_eq!(tx.all_tokens().await.unwrap(), want);
    tx.write_token(&third).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.tokens().await.unwrap().tokens.len(), 3, "the names of a revoked token are free");
}

/// Each secret has a time of its own: so it shows when nobody uses the old one any more. No use is a change of the tokens.
pub(crate) async fn the_last_use_of_each_secret_is_known(store: &dyn Store) {
    let made = token(store, 1, r#"{"name":"ci","role":"engine"}"#).await;
    let since = made.created_at;
    let rotated = made.rotated(AccessToken::made(1, [2; 32]).hash(), HOUR, None, since);
    write(store, &[&rotated]).await;
    let version = store.tokens_version().await.unwrap();
    let used = |secret, at| TokenUse { accessor: made.accessor.clone(), secret, at };
    for uses in [
        vec![used(rotated.secret, since + MINUTE * 2), used(made.secret, since + MINUTE * 3)],
        vec![used(rotated.secret, since + MINUTE)],
        vec![used(AccessToken::made(1, [3; 32]).hash(), since + HOUR)],
        vec![],
    ] {
        let mut tx = begin(store).await;
        tx.note_token_uses(&uses).await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = store.tokens().await.unwrap();
    let token = &found.tokens[0];
    assert_eq!(token.last_used_at, Some(since + MINUTE * 2));
    assert_eq!(token.previous.unwrap().last_used_at, Some(since + MINUTE * 3));
    assert_eq!(found.version, version);
}
