//! What people did, found again, and linked so that no entry can be changed or taken away.

use enginehouse_core::audit::chain::{ChainFault, ChainVerifier};
use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditOutcome};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;

use super::given::{HOUR, MINUTE, begin, now};
use crate::Store;
use crate::rows::{AuditChainPage, PageRequest};

/// An entry that says nothing in particular.
pub(crate) fn entry(target: &str, action: &str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        request_id: Some("r-1".to_owned()),
        principal: "k3jq7xw2m5ab".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: AuditOutcome::Done,
        detail: RawJson::trusted("{ \"reason\": \"né\" }"),
    }
}

pub(crate) async fn write(store: &dyn Store, entries: &[AuditEntry]) {
    let mut tx = begin(store).await;
    tx.insert_audit(entries).await.unwrap();
    tx.commit().await.unwrap();
}

async fn page(
    store: &dyn Store,
    filter: &AuditFilter,
    limit: u32,
    after: Option<String>,
) -> (Vec<String>, Option<String>) {
    let page = store.audit(filter, &PageRequest { limit, after }).await.unwrap();
    (page.items.into_iter().map(|record| record.entry.action).collect(), page.next)
}

async fn whole_chain(store: &dyn Store) -> AuditChainPage {
    store.link_audit().await.unwrap();
    store.audit_chain(0, 10_000).await.unwrap()
}

fn verify(chain: &AuditChainPage) -> Result<u64, ChainFault> {
    let mut verifier = ChainVerifier::new(chain.ends.deleted);
    chain.records.iter().try_for_each(|record| verifier.read(record))?;
    verifier.finish(chain.ends.head).map(|()| verifier.entries())
}

/// The newest first, by the time of each, of two at one time the one that was written last; and as each was written.
pub(crate) async fn entries_are_listed_newest_first(store: &dyn Store) {
    let at = now(store).await;
    let server = AuditEntry {
        request_id: None,
        address: None,
        principal: "server".to_owned(),
        outcome: AuditOutcome::Denied,
        ..entry("b", "two", at - MINUTE)
    };
    write(
        store,
        &[entry("a", "four", at), entry("a", "one", at - HOUR), server.clone(), entry("b", "three", at - MINUTE)],
    )
    .await;
    let all = AuditFilter::default();
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (first, next) = page(store, &all, 3, None).await;
    assert_eq!(first, words("four three two"));
    assert_eq!(page(store, &all, 3, next).await, (words("one"), None));
    assert_eq!(page(store, &all, 4, None).await.1, None);
    let of_b = AuditFilter { target: Some("b".to_owned()), ..all.clone() };
    let (first, next) = page(store, &of_b, 1, None).await;
    assert_eq!(first, words("three"));
    assert_eq!(page(store, &of_b, 1, next).await, (words("two"), None));
    assert_eq!(page(store, &all, 5, Some("nowhere".to_owned())).await, (Vec::new(), None));
    let request = PageRequest { limit: 5, after: None };
    let found = store.audit(&AuditFilter { action: Some("two".to_owned()), ..all }, &request).await.unwrap();
    assert_eq!(found.items[0].entry, server);
}

pub(crate) async fn entries_are_found_by_every_field(store: &dyn Store) {
    let at = now(store).await;
    let one = entry("a", "token.create", at - HOUR);
    let other = AuditEntry {
        principal: "store".to_owned(),
        outcome: AuditOutcome::Denied,
        ..entry("b", "settings:write", at - MINUTE)
    };
    write(store, &[one.clone(), other.clone()]).await;
    let text = |text: &str| Some(text.to_owned());
    let none = AuditFilter::default;
    for (filter, expected) in [
        (none(), "settings:write token.create"),
        (AuditFilter { principal: text("store"), ..none() }, "settings:write"),
        (AuditFilter { principal: text("anyone"), ..none() }, ""),
        (AuditFilter { action: text("token"), ..none() }, "token.create"),
        (AuditFilter { action: text("tok"), ..none() }, ""),
        (AuditFilter { target: text("a"), ..none() }, "token.create"),
        (AuditFilter { target: text("a"), principal: text("store"), ..none() }, ""),
        (AuditFilter { outcome: Some(AuditOutcome::Denied), ..none() }, "settings:write"),
        (AuditFilter { from: Some(one.at), ..none() }, "settings:write token.create"),
        (AuditFilter { from: Some(other.at), ..none() }, "settings:write"),
        (AuditFilter { until: Some(other.at), ..none() }, "token.create"),
        (AuditFilter { until: Some(one.at), ..none() }, ""),
        (AuditFilter { from: Some(one.at), until: Some(other.at), target: text("a"), ..none() }, "token.create"),
    ] {
        assert_eq!(page(store, &filter, 5, None).await.0.join(" "), expected, "{filter:?}");
    }
}

/// Also after the oldest were deleted, and all of them.
pub(crate) async fn entries_are_linked_in_the_order_in_which_they_were_written(store: &dyn Store) {
    assert_eq!(verify(&whole_chain(store).await), Ok(0));
    let at = now(store).await;
    write(store, &[entry("a", "one", at - HOUR), entry("a", "two", at - MINUTE)]).await;
    assert_eq!(verify(&whole_chain(store).await), Ok(2));
    write(store, &[entry("a", "three", at - HOUR), entry("a", "four", at)]).await;
    let chain = whole_chain(store).await;
    let actions: Vec<_> = chain.records.iter().map(|record| record.entry.action.as_str()).collect();
    assert_eq!(actions, ["one", "two", "three", "four"]);
    assert_eq!((verify(&chain), chain.unlinked), (Ok(4), 0));
    let positions: Vec<_> = chain.records.iter().map(|record| record.link.unwrap().position).collect();
    assert_eq!(positions, [1, 2, 3, 4]);
    assert_eq!(chain.ends.head, chain.records[3].link);
    let rest = store.audit_chain(2, 1).await.unwrap();
    assert_eq!(rest.records, chain.records[2..3]);

    let mut tx = begin(store).await;
    // The third is old enough, but stands behind one that is not.
    assert_eq!(tx.delete_audit(at - MINUTE, 9).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let shorter = whole_chain(store).await;
    assert_eq!((shorter.ends.deleted, verify(&shorter)), (chain.records[0].link, Ok(3)));
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_audit(at + HOUR, 9).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(verify(&whole_chain(store).await), Ok(0));
    write(store, &[entry("a", "five", at)]).await;
    let chain = whole_chain(store).await;
    assert_eq!((verify(&chain), chain.records[0].link.unwrap().position), (Ok(1), 5));
}

/// Whoever writes meanwhile, and whoever links.
pub(crate) async fn entries_of_many_writers_are_one_chain(store: &dyn Store) {
    let at = now(store).await;
    let writer = |number: usize| async move {
        for round in 0..5 {
            write(store, &[entry("a", &format!("w{number}.{round}"), at), entry("b", "x", at)]).await;
            store.link_audit().await.unwrap();
        }
    };
    futures_util::future::join_all((0..6).map(writer)).await;
    let chain = whole_chain(store).await;
    assert_eq!((verify(&chain), chain.unlinked), (Ok(60), 0));
}

/// A transaction that is given up adds nothing to the chain.
pub(crate) async fn what_was_not_committed_is_no_link(store: &dyn Store) {
    let at = now(store).await;
    write(store, &[entry("a", "one", at)]).await;
    let mut tx = begin(store).await;
    tx.insert_audit(&[entry("a", "never", at)]).await.unwrap();
    drop(tx);
    write(store, &[entry("a", "two", at)]).await;
    let chain = whole_chain(store).await;
    assert_eq!((verify(&chain), chain.records[1].link.unwrap().position), (Ok(2), 2));
}

pub(crate) async fn the_addresses_of_a_token_are_known_once_they_were_noted(store: &dyn Store) {
    let at = now(store).await;
    let used = |address: &str| AuditEntry {
        address: Some(address.to_owned()),
        ..entry("k3jq7xw2m5ab", "token.first_use", at)
    };
    write(store, &[used("192.0.2.1"), used("192.0.2.2"), used("192.0.2.1"), entry("k3jq7xw2m5ab", "token.create", at)])
        .await;
    let mut tx = begin(store).await;
    let mut found = tx.token_addresses(&"k3jq7xw2m5ab".parse().unwrap()).await.unwrap();
    found.sort();
    assert_eq!(found, ["192.0.2.1", "192.0.2.2"]);
    assert!(tx.token_addresses(&"aaaaaaaaaaaa".parse().unwrap()).await.unwrap().is_empty());
}
