//! Filters as people write them: what a store finds is what a look at each row would have found.

use enginehouse_core::filter::{FilterSubject, FilterTerms};
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;

use super::given::{
    MINUTE, apply, begin, claim, complete, fail, given_events, id, ids, insert, lane, new_event, now, of_run,
    registered, selectors, write_engines,
};
use crate::Store;
use crate::rows::{
    DeadLetterFilter, DeadLetterSearch, EngineFilter, EventFilter, EventRecord, NewDeadLetter, PageRequest,
};

/// Terms of which each event below has some, and none all.
const TERMS: [&str; 33] = [
    "status:failed",
    "status:queued,processing",
    "-status:queued",
    "type:a.*",
    "type:a.x,b",
    "-type:b",
    "queue:default",
    "-queue:defaul*",
    "priority:5",
    "priority:<5",
    "engine:sim-1",
    "engine:sim-*",
    "run:run",
    "-run:*",
    "key:\"key 7\"",
    "key:~\"EY 1\"",
    "attempts:>0",
    "attempts:0",
    "error:~DISK",
    "error_code:out_of_memory",
    "-error:*",
    "age:>50m",
    "age:<=50m",
    "label.team:1",
    "label.team:0,2",
    "-label.team:*",
    "payload.number:>=6",
    "payload.scene:\"al_s\"",
    "payload.scene:al*",
    "finished:>2020-01-01T00:00:00Z",
    "version:~1.4",
    "0193f2a0-0000-7000-8000-00000000000",
    "-id:0193f2a0-0000-7000-8000-000000000007",
];

async fn find(store: &dyn Store, filter: &EventFilter, limit: u32) -> Vec<EventId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit, after };
        let events = store.events(filter, &page).await.unwrap();
        let ids: Vec<_> = events.items.iter().map(|record| record.event.event_id).collect();
        let same = store.event_ids(filter, &page).await.unwrap();
        assert_eq!((&same.items, &same.next), (&ids, &events.next), "{filter:?}");
        found.extend(ids);
        after = events.next;
        if after.is_none() {
            return found;
        }
    }
}

/// Events of every status, with and without what may be absent.
async fn given_many_events(store: &dyn Store, now: Timestamp) -> Vec<EventRecord> {
    let lanes = [lane(store, "a.x").await, lane(store, "a_y").await, lane(store, "b").await];
    for number in 1..=24_u32 {
        let mut event = new_event(number, lanes[number as usize % 3], now - MINUTE * (60 - number));
        if number % 4 > 0 {
            event.event.idempotency_key = Some(format!("key {number}").into());
            event.fingerprint = Some([0; 16]);
            event.event.labels = [("team".to_owned(), format!("{}", number % 4))].into();
        }
        let scene = ["\"alps\"", "\"al_s\"", "[\"alps\", 7]", "null"][number as usize % 4];
        event.payload = RawJson::trusted(format!("{{\"number\": {number}, \"scene\": {scene}}}"));
        insert(store, &[if number % 5 == 0 { of_run(event, "run") } else { event }]).await;
    }
    for number in 1..=16 {
        claim(store, number, if number <= 6 { "sim-1" } else { "rig-2" }).await;
    }
    for number in [1, 5, 6, 7] {
        apply(store, number, complete).await;
    }
    for number in [2, 9, 10] {
        apply(store, number, |state| fail(state, number == 10, false, "no\ndisk 17 is full")).await;
    }
    apply(store, 20, |_| EventCommand::Cancel).await;
    store.events(&EventFilter::default(), &PageRequest { limit: 100, after: None }).await.unwrap().items
}

/// Whatever the terms, and whatever the size of a page; and nothing that the caller may not see.
pub(crate) async fn events_are_found_by_terms(store: &dyn Store) {
    let now = now(store).await;
    let all = given_many_events(store, now).await;
    let (count, mut found_some) = (TERMS.len(), 0);
    for place in 0..count * 3 {
        let second = (place * 7 + place / count * 3) % count;
        let text = format!("{} {}", TERMS[place % count], if place < count { "" } else { TERMS[second] });
        let terms = FilterTerms::parse(FilterSubject::Events, &text).unwrap();
        let matching = all.iter().filter(|record| terms.match_facts(*record, now));
        let want: Vec<_> = matching.map(|record| record.event.event_id).collect();
        found_some += usize::from(!want.is_empty() && want.len() < all.len());
        let filter = EventFilter::default().matching(terms.clone(), now);
        for limit in [if place < count { 3 } else { 20 }, 50] {
            assert_eq!(find(store, &filter, limit).await, want, "{text}, {limit} per page");
        }
        let within = EventFilter { within: selectors(&[], &["a_*"]), ..filter };
        let visible = all.iter().filter(|record| record.lane.event_type.as_str() == "a_y");
        let want: Vec<_> = visible.filter(|record| terms.match_facts(*record, now)).collect();
        let want: Vec<_> = want.iter().map(|record| record.event.event_id).collect();
        assert_eq!(find(store, &within, 50).await, want, "{text}, of one event type");
    }
    assert!(found_some > count, "{found_some}");
    for (text, want) in [
        ("status:failed", vec![9, 2]),
        ("error:~DISK", vec![10, 9, 2]),
        ("error_code:out_of_memory -status:failed", vec![10]),
        ("attempts:0", (17..=24).rev().collect()),
        ("attempts:1 -status:processing", vec![10, 9, 7, 6, 5, 2, 1]),
        ("engine:rig-2 status:completed", vec![7]),
        ("version:1.4* status:completed", vec![7, 6, 5, 1]),
        ("finished:*", vec![20, 9, 7, 6, 5, 2, 1]),
        ("label.team:2 run:run priority:5", vec![10]),
        ("-run:* -label.team:*", vec![24, 16, 12, 8, 4]),
        ("key:\"key 7\"", vec![7]),
        ("age:>58m", vec![1]),
        ("age:>=58m", vec![2, 1]),
        ("payload.number:>=23", vec![24, 23]),
        ("payload.scene:7", vec![22, 18, 14, 10, 6, 2]),
        ("reason:*", vec![]),
    ] {
        let terms = FilterTerms::parse(FilterSubject::Events, text).unwrap();
        assert_eq!(find(store, &EventFilter::default().matching(terms, now), 50).await, ids(want), "{text}");
    }
}

/// By what their events have, and by what they have themselves.
pub(crate) async fn dead_letters_are_found_by_terms(store: &dyn Store) {
    let now = now(store).await;
    for number in 1..=4_u32 {
        given_events(store, "render", [number]).await;
        claim(store, number, "sim-1").await;
        let message = if number < 3 { format!("disk {number} is full") } else { "no such file".to_owned() };
        let failed = apply(store, number, |state| fail(state, false, true, &message)).await;
        let letter = NewDeadLetter {
            event_id: id(number),
            event_type: "render".parse().unwrap(),
            queue: "default".parse().unwrap(),
            reason: failed.dead_letter.unwrap(),
            dead_lettered_at: now - MINUTE * number,
            error: failed.last_error,
        };
        let mut tx = begin(store).await;
        tx.insert_dead_letters(&[letter]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let groups = store.dead_letter_groups(&Default::default()).await.unwrap();
    let group = groups.iter().find(|group| group.message == "disk # is full").unwrap().id().to_string();
    for (text, want) in [
        ("", vec![4, 3, 2, 1]),
        (&format!("group:{group}"), vec![2, 1]),
        (&format!("group:{}", &group[..5]), vec![2, 1]),
        (&format!("-group:{group}"), vec![4, 3]),
        ("error:~file", vec![4, 3]),
        ("error:~file age:>3m", vec![4]),
        ("age:<2m", vec![1]),
        ("reason:requested -error:~file payload.number:2", vec![2]),
        ("reason:rejected", vec![]),
        ("0193f2a0-0000-7000-8000-000000000003", vec![3]),
    ] {
        let terms = FilterTerms::parse(FilterSubject::DeadLetters, text).unwrap();
        let search: DeadLetterSearch = DeadLetterFilter::default().matching(terms, now);
        for limit in [1, 50] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.dead_letters(&search, &PageRequest { limit, after }).await.unwrap();
                found.extend(page.items.iter().map(|row| row.record.event.event_id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, ids(want.clone()), "{text}, {limit} per page");
        }
    }
    // An event has the group before it is a dead letter, and when it is none any more.
    let terms = FilterTerms::parse(FilterSubject::Events, &format!("group:{group}")).unwrap();
    assert_eq!(find(store, &EventFilter::default().matching(terms, now), 10).await, ids([2, 1]));
}

/// By what they have said of themselves.
pub(crate) async fn engines_are_found_by_terms(store: &dyn Store) {
    let now = now(store).await;
    for (name, version, host) in
        [("rig-1", "1.2.0", "node-7"), ("rig-2", "1.3.0", "node-8"), ("sim-1", "1.2.0", "node-7")]
    {
        let mut engine = registered(name, now);
        let config = &mut engine.metadata.static_config;
        config.engine_software_version = Some(version.to_owned());
        config.other.insert("host".to_owned(), host.into());
        write_engines(store, &[engine]).await;
    }
    for (text, want) in [
        ("", &["rig-1", "rig-2", "sim-1"][..]),
        ("version:1.2*", &["rig-1", "sim-1"]),
        ("version:1.2.0 rig", &["rig-1"]),
        ("-host:node-7", &["rig-2"]),
        ("capability:gpu status:active host:~NODE stopped:false", &["rig-1", "rig-2", "sim-1"]),
        ("silent:>1h", &[]),
        ("age:<1h id:*-1", &[]),
        ("run:*", &[]),
    ] {
        let terms = FilterTerms::parse(FilterSubject::Engines, text).unwrap();
        let filter = EngineFilter::default().matching(terms, now);
        for limit in [1, 50] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.engines(&filter, &PageRequest { limit, after }).await.unwrap();
                found.extend(page.items.iter().map(|(engine, _)| engine.engine_id.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, want, "{text}, {limit} per page");
        }
    }
}
