use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::limits::{MAX_FILTER_LENGTH, MAX_FILTER_TERMS, MAX_FILTER_VALUES};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Something with a text for each field, as a filter writes the field.
struct Thing(BTreeMap<&'static str, FilterFact<'static>>);

impl FilterFacts for Thing {
    fn fact(&self, field: &FilterField) -> FilterFact<'_> {
        match (field, self.0.get("payload")) {
            (FilterField::Payload(path), Some(FilterFact::Json(payload))) => {
                path.find(payload).map_or(FilterFact::Nothing, FilterFact::Json)
            }
            _ => self.0.get(field.to_string().as_str()).cloned().unwrap_or(FilterFact::Nothing),
        }
    }
}

fn thing() -> Thing {
    let text = |text: &'static str| FilterFact::from(Some(text));
    Thing(BTreeMap::from([
        ("id", text("0193f2a0-7c4e-7000-8000-000000000000")),
        ("status", text("failed")),
        ("queue", text("render")),
        ("type", text("frame.render")),
        ("run", FilterFact::Nothing),
        ("priority", FilterFact::Number(5)),
        ("error", text("Timeout of \"Maya, 2025\" \\ after 30 s")),
        ("age", FilterFact::Moment(NOW - std::time::Duration::from_secs(600))),
        ("enqueued", FilterFact::Moment(NOW - std::time::Duration::from_secs(600))),
        ("label.team", text("x y")),
        ("label.empty", text("")),
        ("capability", FilterFact::Texts(vec!["gpu".into(), "cuda-12".into()])),
        (
            "payload",
            FilterFact::Json(
                r#"{"scene":"alps","n":17,"s":"17","ok":true,"none":null,"tags":["a","b"],"deep":{"x":[{"y":1.5}]}}"#,
            ),
        ),
    ]))
}

fn parse(text: &str) -> FilterTerms {
    FilterTerms::parse(FilterSubject::Events, text).unwrap()
}

#[test]
fn a_term_holds_of_what_it_says() {
    for (text, holds) in [
        ("", true),
        ("status:failed", true),
        ("status:queued", false),
        ("status:queued,failed", true),
        ("-status:queued,completed", true),
        ("status:failed queue:other", false),
        ("type:frame.*", true),
        ("event_type:frame.render", true),
        ("type:frame", false),
        ("type:\"frame.*\"", false),
        ("run:*", false),
        ("-run:*", true),
        ("-run:r", true),
        ("priority:5", true),
        ("priority:>5", false),
        ("priority:>=5 priority:<6", true),
        ("priority:<3,>4", true),
        ("error:~TIMEOUT", true),
        ("error:~\"maya, 2025\\\" \\\\\"", true),
        ("error:~maya", true),
        ("age:>5m", true),
        ("age:>10m", false),
        ("age:>=10m age:<1h", true),
        ("enqueued:<2027-01-16T00:00:00Z", true),
        ("enqueued:>2027-01-16T00:00:00Z", false),
        ("label.team:\"x y\"", true),
        ("label.team:\"x \"*", true),
        ("label.team:x", false),
        ("label.empty:\"\"", true),
        ("label.missing:\"\"", false),
        ("-label.missing:*", true),
        ("payload.scene:alps", true),
        ("payload.scene:\"alps\"", true),
        ("payload.scene:~LP", true),
        ("payload.n:17", true),
        ("payload.n:17.0", true),
        ("payload.n:\"17\"", false),
        ("payload.s:17 payload.s:\"17\"", true),
        ("payload.n:>16.5", true),
        ("payload.s:>16.5", false),
        ("payload.ok:true", true),
        ("payload.ok:\"true\"", false),
        ("payload.none:null payload.none:*", true),
        ("payload.missing:*", false),
        ("payload.tags:b", true),
        ("-payload.tags:c", true),
        ("payload.deep.x.0.y:<2", true),
        ("0193f2a0", true),
        ("0193f2a0-7c4e-7000-8000-000000000000", true),
        ("-0193f2a0", false),
        ("id:0193f2a1", false),
    ] {
        assert_eq!(parse(text).match_facts(&thing(), NOW), holds, "{text}");
    }
    let capable = |text| FilterTerms::parse(FilterSubject::Engines, text).unwrap().match_facts(&thing(), NOW);
    assert!(capable("capability:gpu") && capable("capability:cuda-*") && !capable("-capability:gpu"));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let error = |text: &str| FilterTerms::parse(FilterSubject::Events, text).unwrap_err();
    for (text, term, column, problem) in [
        ("stauts:failed", "stauts:failed", 1, "An event has no stauts, did you mean status? It has id, status, queue,"),
        ("queue:a  nope:1", "nope:1", 10, "An event has no nope: it has id,"),
        (
            "status:faild",
            "status:faild",
            8,
            "status must be queued or processing or completed or failed or cancelled, did you mean failed?",
        ),
        ("queue:a,é priority:12", "priority:12", 20, "priority must be a whole number from 0 to 9"),
        ("priority:x", "priority:x", 10, "priority must be a whole number"),
        ("status:>failed", "status:>failed", 8, "status takes no >"),
        ("status:fail*", "status:fail*", 8, "status takes no beginnings"),
        ("queue:<a", "queue:<a", 7, "queue takes no <: put a value that begins so in quotes"),
        ("age:5m", "age:5m", 5, "age needs > or <: age:>5m"),
        ("age:>5", "age:>5", 5, "age must be whole numbers with units, such as 5m"),
        ("enqueued:>now", "enqueued:>now", 10, "enqueued must be an RFC 3339 time"),
        ("queue:", "queue:", 7, "a value is missing"),
        ("queue:a,", "queue:a,", 9, "a value is missing"),
        ("queue:\"a", "queue:\"a", 7, "the closing quotation mark is missing"),
        ("queue:\"a\"b", "queue:\"a\"b", 10, "a comma or a blank must follow"),
        ("queue:a\"b\"", "queue:a\"b\"", 8, "a quotation mark within a value"),
        ("queue:\"a\\n\"", "queue:\"a\\n\"", 9, "after \\ in quotes must come"),
        ("queue:\"a\tb\"", "queue:\"a", 7, "a filter has no control characters"),
        ("error:~", "error:~", 8, "a value is missing"),
        ("label:x", "label:x", 1, "name the label: label.team:x"),
        ("label.:x", "label.:x", 7, "must be a name"),
        ("payload:x", "payload:x", 1, "name the place in the payload"),
        ("payload.a..b:x", "payload.a..b:x", 9, "must be names of letters"),
        ("payload.a:>x", "payload.a:>x", 11, "after > must come a number"),
        ("group:XYZ", "group:XYZ", 7, "group must be an id or its beginning: 1 to 12 of 0-9 and a-f"),
        ("render", "render", 1, "a term is a field and a value, such as status:failed, or the beginning of an id"),
        (":x", ":x", 1, "before the colon must come a field"),
        ("-", "-", 2, "a value is missing"),
        ("capability:gpu", "capability:gpu", 1, "An event has no capability"),
    ] {
        let found = error(text);
        assert_eq!((found.term.as_str(), found.column), (term, column), "{text}: {found}");
        assert!(found.problem.starts_with(problem), "{text}: {found}");
    }
    assert_eq!(error("x:1").to_string().split(':').next(), Some("x"));
    assert!(FilterTerms::parse(FilterSubject::Engines, "capability:gpu version:1.2* sim-").is_ok());
    assert!(
        FilterTerms::parse(FilterSubject::DeadLetters, "reason:rejected dead_lettered:>=2026-01-01T00:00:00Z").is_ok()
    );
    assert!(FilterTerms::parse(FilterSubject::DeadLetters, "status:failed").is_err());
}

#[test]
fn the_examples_of_the_document_are_filters() {
    let page = include_str!("../../../../docs/filter.md");
    let examples = page.split("```filter\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(examples.lines().count() >= 9);
    for example in examples.lines() {
        parse(example);
    }
    for list in FIELDS_OF_LISTS {
        for name in field::names(*list) {
            assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}.")), "{name}");
        }
    }
}

const FIELDS_OF_LISTS: &[FilterSubject] = &[FilterSubject::Events, FilterSubject::DeadLetters, FilterSubject::Engines];

#[test]
fn a_filter_has_an_end() {
    let parse = |text: &str| FilterTerms::parse(FilterSubject::Events, text);
    assert!(parse(&" ".repeat(MAX_FILTER_LENGTH)).is_ok());
    assert!(parse(&" ".repeat(MAX_FILTER_LENGTH + 1)).unwrap_err().problem.contains("at most 2000 characters"));
    assert!(parse(&"queue:a ".repeat(MAX_FILTER_TERMS)).is_ok());
    assert!(parse(&"queue:a ".repeat(MAX_FILTER_TERMS + 1)).unwrap_err().problem.contains("at most 50 terms"));
    assert!(parse(&"payload.a:1 ".repeat(4)).is_ok());
    assert!(parse(&"payload.a:1 ".repeat(5)).unwrap_err().problem.contains("at most 4 places in payloads"));
    let values = |count: usize| format!("queue:{}", vec!["a"; count].join(","));
    assert!(parse(&values(MAX_FILTER_VALUES)).is_ok());
    assert!(parse(&values(MAX_FILTER_VALUES + 1)).unwrap_err().problem.contains("at most 100 values"));
}

#[test]
fn what_a_list_can_find_it_finds_by_its_fields() {
    let terms =
        parse("status:failed queue:render -type:a priority:9 label.team:x run:r enqueued:>=2026-01-01T00:00:00Z 0193");
    let filter = EventFilter::default().matching(terms, NOW);
    assert_eq!(filter.status, Some(EventStatus::Failed));
    assert_eq!(filter.queue.as_ref().map(QueueName::as_str), Some("render"));
    assert_eq!((filter.priority, filter.event_type.is_none()), (Some(9), true));
    assert_eq!(filter.label.as_ref().map(ToString::to_string).as_deref(), Some("team=x"));
    assert!(filter.scenario_run_id.is_some() && filter.enqueued_after.is_some() && !filter.terms.is_empty());
    let (first, last) = filter.terms.event_ids().unwrap();
    assert_eq!(first.to_string(), "01930000-0000-0000-0000-000000000000");
    assert_eq!(last.to_string(), "0193ffff-ffff-ffff-ffff-ffffffffffff");
    // A field that says something already goes on to say it, and the term too.
    let both = EventFilter { status: Some(EventStatus::Queued), ..EventFilter::default() };
    let both = both.matching(parse("status:failed"), NOW);
    assert_eq!((both.status, both.terms.is_empty()), (Some(EventStatus::Queued), false));
    let twice = EventFilter::default().matching(parse("queue:a queue:b"), NOW);
    assert!(twice.queue.is_some() && !twice.terms.is_empty());
    assert!(EventFilter::default().matching(parse(" "), NOW).is_empty());
    let lanes = EventFilter::default().matching(parse("type:frame.*,\"a_b\" -queue:x error:~y"), NOW).terms;
    let key = |event_type: &str, queue: &str| crate::lane::LaneKey {
        queue: queue.parse().unwrap(),
        event_type: event_type.parse().unwrap(),
        priority: 5,
        required_capabilities: std::collections::BTreeSet::new(),
        required_memory_mb: None,
        engine_version: None,
        suspended_run: None,
    };
    assert!(lanes.limit_lanes() && lanes.admit_lane(&key("frame.x", "y")) && lanes.admit_lane(&key("a_b", "y")));
    assert!(!lanes.admit_lane(&key("frame.x", "x")) && !lanes.admit_lane(&key("b", "y")));
    let patterns = lanes.like_patterns(&FilterField::EventType).unwrap();
    assert_eq!(
        (patterns, lanes.like_patterns(&FilterField::Queue)),
        (vec!["frame.%".to_owned(), "a\\_b".to_owned()], None)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is written, it is read, or the error is about a place within.
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), subject in 0..3_usize) {
        let subject = [FilterSubject::Events, FilterSubject::DeadLetters, FilterSubject::Engines][subject];
        check_text(subject, &text)?;
    }

    /// The same for what is nearly a filter.
    #[test]
    fn a_filter_written_out_is_the_same_filter(
        text in "(-?(status|queue|type|label\\.a|payload\\.a\\.0|age|priority|error|id|group|enqueued|x):?(>|<=|~|)(\"[ a\\\\,*é-]{0,3}\"|failed|5m|9|17.5|0af|[a:*\\\\]{1,3}|2026-01-01T00:00:00Z|)[*, ]{1,2}){0,5}",
        subject in 0..3_usize,
    ) {
        let subject = [FilterSubject::Events, FilterSubject::DeadLetters, FilterSubject::Engines][subject];
        check_text(subject, &text)?;
    }
}

fn check_text(subject: FilterSubject, text: &str) -> Result<(), TestCaseError> {
    match FilterTerms::parse(subject, text) {
        Ok(terms) => {
            let written = terms.to_string();
            let again = FilterTerms::parse(subject, &written);
            prop_assert_eq!(again.as_ref(), Ok(&terms), "{} from {}", written, text);
        }
        Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}", error),
    }
    Ok(())
}
