//! The description of the API is fresh, and no call of it is without a test.

const SOURCES: [&str; 17] = [
    include_str!("auditing.rs"),
    include_str!("bulk_events.rs"),
    include_str!("clock.rs"),
    include_str!("dead_letters.rs"),
    include_str!("engines.rs"),
    include_str!("events.rs"),
    include_str!("explaining.rs"),
    include_str!("logs.rs"),
    include_str!("minutes.rs"),
    include_str!("operations.rs"),
    include_str!("overview.rs"),
    include_str!("permissions.rs"),
    include_str!("refusals.rs"),
    include_str!("settings.rs"),
    include_str!("stream.rs"),
    include_str!("suspects.rs"),
    include_str!("system.rs"),
];

/// Whether a path that a test uses is one of a template: `/v1/events/{event_id}` of `/v1/events/{event}`.
fn is_of(path: &str, template: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (parts, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    parts.len() == wanted.len()
        && parts.iter().zip(&wanted).all(|(part, wanted)| wanted.starts_with('{') || part == wanted)
}

#[test]
fn every_call_is_made_by_some_test() {
    let openapi: serde_json::Value = serde_json::from_str(&enginehouse_server::http::openapi_text()).unwrap();
    let mut lines = Vec::new();
    for source in SOURCES {
        for text in source.split('"').filter(|text| !text.contains('\n')) {
            if let Some((method, path)) = text.split_once(' ').filter(|(_, path)| path.starts_with('/')) {
                lines.push((method, path));
            }
        }
    }
    for (template, methods) in openapi["paths"].as_object().unwrap() {
        for method in
            methods.as_object().unwrap().keys().filter(|key| !["parameters", "summary"].contains(&key.as_str()))
        {
            let made = lines.iter().any(|(used, path)| used.eq_ignore_ascii_case(method) && is_of(path, template));
            assert!(made, "no test makes {} {template}", method.to_uppercase());
        }
    }
}

#[test]
fn the_description_in_the_repository_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == enginehouse_server::http::openapi_text(), "run `cargo xtask openapi`");
}

#[test]
fn every_metric_is_explained_to_whoever_is_paged() {
    let page = include_str!("../../../../docs/operations.md");
    for name in enginehouse_server::telemetry::Metrics::new().names() {
        let name = name.strip_prefix("enginehouse_").unwrap_or(name);
        assert!(page.contains(&format!("`enginehouse_{name}`")), "{name} is not in docs/operations.md");
    }
}
