use proptest::prelude::*;

use super::*;

/// A request that has one of everything.
fn order(value: Value<'_>) -> Option<()> {
    read_fields!(value;
        name: required(|value| value.parsed::<crate::ids::EngineId>()),
        count: optional(|value| value.whole(1..=10_u32)),
        share: optional(|value| value.number(0.0..=1.0)),
        status: optional(|value| value.word::<crate::event::EventStatus>()),
        urgent: or_default(|value| value.boolean()),
        token: optional(|value| value.parsed::<crate::lock::LockToken>()),
        note: optional(|value| value.line(0..=5)),
        items: or_default(|value| value.list(0..=3, item)),
        payload: given(|value| value.json(1_000)),
    );
    name.and(urgent).and(items).map(|_| drop((count, share, status, token, note, payload)))
}

fn item(value: Value<'_>) -> Option<i64> {
    read_fields!(value; size: required(|value| value.integer()));
    size
}

/// What is wrong with an order: `pointer: detail`, one per line.
fn wrong(body: &str) -> String {
    match read_json(body.as_bytes(), order) {
        Ok(()) => "nothing".to_owned(),
        Err(refused) => {
            let lines: Vec<_> = refused.errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
            lines.join("\n")
        }
    }
}

fn pointers(body: &str) -> Vec<String> {
    wrong(body).lines().map(|line| line.split(':').next().unwrap_or("").to_owned()).collect()
}

#[test]
fn a_good_order_has_nothing_wrong() {
    assert_eq!(wrong(r#" {"name":"a"} "#), "nothing");
    assert_eq!(
        wrong(
            r#"{ "name" : "\u0061" , "count":10, "share":1e-3, "status":"queued", "urgent":true, "note":"é",
                "items":[ {"size":-1} , {"size":2} ], "payload": {"a":[1e3, "}"]}, "token":null }"#
        ),
        "nothing"
    );
}

#[test]
fn every_mistake_is_named_with_what_must_be_and_what_was() {
    assert_eq!(
        wrong(
            r#"{"name":7,"count":"high","share":2,"status":"done","urgent":1,"token":"1-2","note":"too long",
                "items":[{"size":1.5},[],{"size":1,"weight":2},{}],"payload":{"a":1,"a":2},"colour":"red"}"#
        ),
        "/colour: unknown, must be name, count, share, status, urgent, token, note, items or payload\n\
         /name: must be a name: 1 to 200 characters of A-Z, a-z, 0-9, '.', '_', ':' and '-', beginning with a letter or digit, was 7\n\
         /count: must be a whole number between 1 and 10, was \"high\"\n\
         /share: must be a number between 0 and 1, was 2\n\
         /status: must be queued, processing, completed, failed or cancelled, was \"done\"\n\
         /urgent: must be true or false, was 1\n\
         /token: must be a lock token: send the token of the claim's answer as it is\n\
         /note: must be a string of at most 5 characters, none of them a control character, was \"too long\"\n\
         /items/0/size: must be a whole number, was 1.5\n\
         /items/1: must be an object, was an array\n\
         /items/2/weight: unknown, must be size\n\
         /items: must be an array of at most 3, was an array of 4\n\
         /payload: the key \"a\" is given twice"
    );
}

#[test]
fn a_field_is_named_once_whether_missing_given_twice_or_null() {
    assert_eq!(wrong(r#"{"name":"a","count":"x","count":2}"#), "/count: given twice");
    assert_eq!(wrong("{}"), "/name: required, but missing");
    assert_eq!(wrong(r#"{"name":"a","count":1,"count":2}"#), "/count: given twice");
    assert_eq!(wrong(r#"{"name":"a","count":1,"\u0063ount":2}"#), "/count: given twice");
    // Null is no name, and no answer to a yes-or-no question; an optional field may be null.
    assert_eq!(pointers(r#"{"name":null,"count":null,"urgent":null,"items":null}"#), ["/name", "/urgent", "/items"]);
}

#[test]
fn a_body_of_another_kind_is_refused_as_a_whole() {
    for (body, was) in [("[]", "an array"), ("7", "7"), ("null", "null"), ("\"a\"", "\"a\"")] {
        assert_eq!(wrong(body), format!(": must be an object, was {was}"));
    }
}

#[test]
fn numbers_are_compared_as_they_were_written() {
    let count = |number: &str| wrong(&format!(r#"{{"name":"a","count":{number}}}"#));
    for good in ["1", "10"] {
        assert_eq!(count(good), "nothing");
    }
    let long = "1234567890".repeat(5);
    for bad in ["0", "11", "-1", "1.5", "1e1", "4294967297", "1e999", "18446744073709551617"] {
        assert_eq!(count(bad), format!("/count: must be a whole number between 1 and 10, was {bad}"));
    }
    assert_eq!(count(&long), format!("/count: must be a whole number between 1 and 10, was {}…", &long[..40]));
    assert_eq!(
        wrong(r#"{"name":"a","share":1e999}"#),
        "/share: must be a number between 0 and 1, was 1e999",
        "which no double can hold"
    );
}

#[test]
fn half_of_a_surrogate_pair_is_no_text() {
    assert_eq!(pointers(r#"{"name":"\ud800","\ud800":1}"#), ["/\"\\ud800\"", "/name"]);
}

#[test]
fn a_body_that_is_not_json_says_where_and_what() {
    let cases: [(&[u8], &str); 9] = [
        (b"{\"name\":\n  nope}", "has 'o' where it cannot be, at line 2, column 4"),
        (b"", "is empty, at line 1, column 1"),
        (b" \n ", "is empty, at line 1, column 1"),
        (b"{\"name\":", "ends too early, at line 1, column 9"),
        (b"{\"name\":\"a\"} x", "has 'x' where it cannot be, at line 1, column 14"),
        (b"{\"name\":\"a\",}", "has '}' where it cannot be, at line 1, column 13"),
        (b"{\"n\xc3\xa9\": \xc3\xa9}", "has '\u{e9}' where it cannot be, at line 1, column 8"),
        (b"\"\xff\"", "is not UTF-8, at line 1, column 2"),
        (b"{\"name\":\"a\nb\"}", "has '\\n' where it cannot be, at line 1, column 11"),
    ];
    for (body, want) in cases {
        let refused = read_json(body, order).unwrap_err();
        assert_eq!(refused.kind, InvalidKind::Malformed);
        assert_eq!(refused.to_string(), format!("not valid JSON: the text {want}"));
    }
}

#[test]
fn size_alone_is_told_from_other_mistakes() {
    let kind = |more: &str| {
        let body = format!(r#"{{"name":"a","payload":"{}"{more}}}"#, "x".repeat(1_000));
        read_json(body.as_bytes(), order).unwrap_err().kind
    };
    assert_eq!(kind(""), InvalidKind::TooLarge);
    assert_eq!(kind(r#","count":0"#), InvalidKind::Fields);
}

#[test]
fn not_more_than_so_many_mistakes_are_named_and_none_costs_more_than_reading_it() {
    let many = format!("{{{}}}", (0..100_000).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(","));
    assert_eq!(read_json(many.as_bytes(), order).unwrap_err().errors.len(), MAX_FIELD_ERRORS);
    let deep = format!(r#"{{"name":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(pointers(&deep), ["/name"]);
}

#[test]
fn queries_and_paths_are_read_alike() {
    let query = |text: &[(&str, &str)]| {
        let parameters: Vec<_> = text.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        read_query(&parameters, order).map_err(|refused| refused.to_string())
    };
    assert_eq!(query(&[("name", "a"), ("count", "3"), ("urgent", "true"), ("status", "queued")]), Ok(()));
    assert_eq!(
        query(&[("name", "a"), ("count", "1"), ("count", "2"), ("sort", "up"), ("share", "much"), ("items", "1")])
            .unwrap_err(),
        "/count: given twice; \
         /sort: unknown, must be name, count, share, status, urgent, token, note, items or payload; \
         /share: must be a number between 0 and 1, was \"much\"; \
         /items: must be an array of at most 3, was \"1\""
    );
    let refused = read_parameter("event_id", "a\"b", |value| value.parsed::<crate::ids::EventId>()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "/event_id: must be the id of an event: a UUID such as 0193f2a0-0000-7000-8000-000000000000, was \"a\\\"b\""
    );
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[\\PC\\x00-\\x1f]{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::vec(("[\\PC\\x00-\\x1f]{0,3}", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What is taken apart is what serde_json reads, whatever space is between.
    #[test]
    fn a_value_comes_apart_into_its_own_parts(value in json(), is_pretty: bool) {
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let read = |part: &str| serde_json::from_str::<serde_json::Value>(part).unwrap();
        let mut found = Vec::new();
        let elements = split::elements(&text, |rest| {
            found.push(read(split::first_value(rest).unwrap().0));
            // Known of some, to be found of the others.
            if found.len() % 2 == 0 { 0 } else { split::first_value(rest).unwrap().0.len() }
        });
        prop_assert_eq!(elements.map(|()| &found), value.as_array());
        let length = Cell::default();
        let longer = format!("{text} , 1]");
        let members = split::members(&longer, &length).map(|members| {
            members.map(|(key, part)| (key.into_owned(), read(part))).collect::<serde_json::Map<_, _>>()
        });
        prop_assert_eq!(members.as_ref(), value.as_object());
        prop_assert!(members.is_none() || length.get() == text.len());
        let string = split::string(&text);
        prop_assert_eq!(string.as_deref(), value.as_str());
    }

    #[test]
    fn exactly_the_bad_elements_are_named(good in proptest::collection::vec(any::<bool>(), 0..60)) {
        let elements: Vec<_> = good.iter().map(|good| if *good { "7" } else { "{\"y\":[1]}" }).collect();
        let body = format!("[ {} ]", elements.join(" , "));
        let read = read_json(body.as_bytes(), |value| value.list(0..=100, |value| value.integer()));
        let bad: Vec<_> = read.err().map_or(vec![], |refused| refused.errors.into_iter().map(|e| e.pointer).collect());
        let want: Vec<_> = good.iter().enumerate().filter(|(_, good)| !**good).map(|(index, _)| format!("/{index}")).collect();
        prop_assert_eq!(bad, want);
    }

    /// An answer comes, whatever is sent; and it is in our words.
    #[test]
    fn no_text_brings_it_down(text in "[\\PC\\x00-\\x1f]*|[\\[\\]{}:,\"\\\\ueE0-9. -]{0,30}") {
        if let Err(refused) = read_json(text.as_bytes(), order) {
            prop_assert!(!refused.errors.is_empty());
        }
    }
}

#[test]
fn a_whole_body_may_be_read_as_any_json() {
    for text in ["{ \"n\": 1.50 }", "{}", "[1]", "null", " 7\n"] {
        let read = read_json(text.as_bytes(), |value| value.json(100)).unwrap();
        assert_eq!(read.as_str(), text.trim());
    }
}

#[test]
fn a_whole_number_may_be_written_as_a_double() {
    let whole = |text: &str| read_json(text.as_bytes(), |value| value.whole(0..=9u8)).ok();
    assert_eq!(["7", "0", "7.0", "7.00"].map(whole), [Some(7), Some(0), Some(7), Some(7)]);
    assert_eq!(["-0", "-0.0", "7.5", "7e0", "10", "10.0"].map(whole), [None; 6]);
}
