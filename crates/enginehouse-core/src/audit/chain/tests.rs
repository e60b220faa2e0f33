use proptest::prelude::*;

use super::*;
use crate::audit::AuditOutcome;
use crate::json::RawJson;
use crate::time::Timestamp;

/// Entries as a store keeps them, each linked to the one before it.
fn linked(entries: Vec<AuditEntry>) -> Vec<AuditRecord> {
    let mut last = ChainLink::GENESIS;
    let link = |(number, entry): (usize, AuditEntry)| {
        let audit_id = number as i64 * 2 + 1;
        last = last.next(audit_id, &entry);
        AuditRecord { audit_id, entry, link: Some(last) }
    };
    entries.into_iter().enumerate().map(link).collect()
}

fn verify(records: &[AuditRecord], ends: ChainEnds, kept: Option<ChainHash>) -> Result<u64, ChainFault> {
    let verifier = ChainVerifier::new(ends.deleted);
    let mut verifier = kept.into_iter().fold(verifier, ChainVerifier::expect);
    records.iter().try_for_each(|record| verifier.read(record))?;
    verifier.finish(ends.head)?;
    Ok(verifier.entries())
}

fn whole(records: &[AuditRecord]) -> ChainEnds {
    ChainEnds { head: records.last().and_then(|last| last.link), deleted: None }
}

fn entry() -> impl Strategy<Value = AuditEntry> {
    let text = || "[a-c]{0,3}";
    (
        0_i64..4,
        proptest::option::of(text()),
        text(),
        proptest::option::of(text()),
        (text(), text()),
        any::<bool>(),
        0..3,
    )
        .prop_map(|(at, request_id, principal, address, (action, target), denied, detail)| AuditEntry {
            at: Timestamp::from_millis(at),
            request_id,
            principal,
            address,
            action,
            target,
            outcome: if denied { AuditOutcome::Denied } else { AuditOutcome::Done },
            detail: RawJson::trusted(format!(r#"{{"a":{detail}}}"#)),
        })
}

/// What somebody does to a log.
#[derive(Clone, Debug)]
enum Tampering {
    Remove(usize),
    Replace(usize, AuditEntry),
    /// The same, with a hash that fits to it and to the entry before.
    Forge(usize, AuditEntry),
    /// A letter goes from the end of one field to the beginning of the next.
    Shift(usize),
    Swap(usize, usize),
    Repeat(usize, usize),
    Insert(usize, AuditEntry),
    Renumber(usize, i64),
    CutOff(usize),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let place = || 0_usize..12;
    prop_oneof![
        place().prop_map(Tampering::Remove),
        (place(), entry()).prop_map(|(at, entry)| Tampering::Replace(at, entry)),
        (place(), entry()).prop_map(|(at, entry)| Tampering::Forge(at, entry)),
        place().prop_map(Tampering::Shift),
        (place(), place()).prop_map(|(one, other)| Tampering::Swap(one, other)),
        (place(), place()).prop_map(|(from, to)| Tampering::Repeat(from, to)),
        (place(), entry()).prop_map(|(at, entry)| Tampering::Insert(at, entry)),
        (place(), 0_i64..30).prop_map(|(at, id)| Tampering::Renumber(at, id)),
        place().prop_map(Tampering::CutOff),
    ]
}

fn tampered(records: &[AuditRecord], tampering: &Tampering) -> Vec<AuditRecord> {
    let mut all = records.to_vec();
    let within = |at: usize| at % records.len();
    match tampering {
        Tampering::Remove(at) => drop(all.remove(within(*at))),
        Tampering::Replace(at, entry) => all[within(*at)].entry = entry.clone(),
        Tampering::Forge(at, entry) => {
            let at = within(*at);
            // Of the first that is kept, whoever forges does not know what stood before it.
            if at > 0 && all[at].entry != *entry {
                let before = records[at - 1].link.unwrap_or(ChainLink::GENESIS);
                all[at].link = Some(before.next(all[at].audit_id, entry));
                all[at].entry = entry.clone();
            }
        }
        Tampering::Shift(at) => {
            let entry = &mut all[within(*at)].entry;
            if let Some(letter) = entry.action.pop() {
                entry.target.insert(0, letter);
            }
        }
        Tampering::Swap(one, other) => {
            // What was done changes its place, in the numbers that are there.
            let (one, other) = (within(*one), within(*other));
            let kept = all[one].entry.clone();
            all[one].entry = all[other].entry.clone();
            all[other].entry = kept;
        }
        Tampering::Repeat(from, to) => all.insert(within(*to), records[within(*from)].clone()),
        Tampering::Insert(at, entry) => {
            // Whoever inserts makes a link that fits to the one before.
            let at = within(*at);
            let before = at.checked_sub(1).and_then(|before| records[before].link).unwrap_or(ChainLink::GENESIS);
            let audit_id = records[at].audit_id - 1;
            let link = Some(before.next(audit_id, entry));
            all.insert(at, AuditRecord { audit_id, entry: entry.clone(), link });
        }
        Tampering::Renumber(at, id) => all[within(*at)].audit_id = *id,
        Tampering::CutOff(at) => all.truncate(within(*at)),
    }
    all
}

proptest! {
    #[test]
    fn a_log_that_is_not_as_it_was_written_is_found_out(
        entries in proptest::collection::vec(entry(), 1..12), tampering in tampering(), deleted in 0_usize..12,
    ) {
        let all = linked(entries);
        // Retention has deleted some of the oldest.
        let deleted = deleted % all.len();
        let ends = ChainEnds { deleted: deleted.checked_sub(1).and_then(|last| all[last].link), ..whole(&all) };
        let kept = &all[deleted..];
        prop_assert_eq!(verify(kept, ends, None), Ok(kept.len() as u64));
        let changed = tampered(kept, &tampering);
        if changed != kept {
            prop_assert!(verify(&changed, ends, None).is_err(), "{:?}", tampering);
        }
    }
}

fn three() -> Vec<AuditRecord> {
    let entry = |number: i64| AuditEntry {
        at: Timestamp::from_millis(number),
        request_id: Some(format!("r-{number}")),
        principal: "anyone".to_owned(),
        address: Some("127.0.0.1".to_owned()),
        action: "event.cancel".to_owned(),
        target: "an event".to_owned(),
        outcome: AuditOutcome::Done,
        detail: RawJson::empty_object(),
    };
    linked((1..=3).map(entry).collect())
}

#[test]
fn the_first_bad_entry_is_named() {
    let all = three();
    let ends = whole(&all);
    let mut changed = all.clone();
    changed[1].entry.target = "another".to_owned();
    assert_eq!(verify(&changed, ends, None), Err(ChainFault::Changed { position: 2 }));
    let removed = [all[0].clone(), all[2].clone()];
    assert_eq!(verify(&removed, ends, None), Err(ChainFault::Missing { position: 2, found: 3 }));
    assert_eq!(verify(&all[..1], ends, None), Err(ChainFault::CutOff { position: 2, head: 3 }));
    assert_eq!(verify(&all[1..], ends, None), Err(ChainFault::Missing { position: 1, found: 2 }));
}

#[test]
fn a_copy_of_the_head_shows_that_the_end_was_cut_off_with_what_the_store_says_of_it() {
    let all = three();
    let kept = all[2].link.map(|link| link.hash);
    let cut = &all[..2];
    assert_eq!(verify(cut, whole(cut), None), Ok(2), "the store itself says nothing of it");
    assert_eq!(verify(cut, whole(cut), kept), Err(ChainFault::Unexpected));
    assert_eq!(verify(&all, whole(&all), kept), Ok(3));
    // What was kept may be older than the newest, and deleted by now.
    let ends = ChainEnds { deleted: all[1].link, ..whole(&all) };
    assert_eq!(verify(&all[2..], ends, all[1].link.map(|link| link.hash)), Ok(1));
}

/// Logs that were written stay verifiable: whoever changes the encoding makes another version of it.
#[test]
fn the_encoding_is_what_it_was() {
    let hash = three()[2].link.unwrap().hash;
    assert_eq!(hash.to_string(), "32abf5f7706db72a5784fd54a25372465d0bfb164478277de0a82b7bcfd6ba0f");
    assert_eq!(hash.to_string().parse(), Ok(hash));
    assert_eq!("0".repeat(63).parse::<ChainHash>(), Err(NotAChainHash));
    assert_eq!("é".repeat(32).parse::<ChainHash>(), Err(NotAChainHash));
}
