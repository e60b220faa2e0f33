//! The list of what is in the binary, as CycloneDX 1.6 in JSON.

use serde_json::{Value, json};

use super::components::{Component, Components};

/// Makes the document. Nothing in it is of the moment or by chance, so that the same inputs make the same bytes.
pub(super) fn document(components: &Components, version: &str, made_at: &str) -> Value {
    let own_url = format!("pkg:generic/enginehouse@{version}");
    let graph = components.all.iter().map(|component| dependency(&component.package_url, &component.needs));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": made_at,
            "component": {
                "type": "application",
                "bom-ref": own_url,
                "name": "enginehouse",
                "version": version,
                "description": "Coordinates fleets of engines over a durable event queue",
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                "purl": own_url,
            },
        },
        "components": components.all.iter().map(entry).collect::<Vec<_>>(),
        "dependencies": std::iter::once(dependency(&own_url, &components.needed_directly)).chain(graph).collect::<Vec<_>>(),
    })
}

fn entry(component: &Component) -> Value {
    json!({
        "type": "library",
        "bom-ref": component.package_url,
        "name": component.name,
        "version": component.version,
        "licenses": [{ "expression": component.license }],
        "purl": component.package_url,
    })
}

fn dependency<'a>(of: &str, on: impl IntoIterator<Item = &'a String>) -> Value {
    json!({ "ref": of, "dependsOn": on.into_iter().collect::<Vec<_>>() })
}
