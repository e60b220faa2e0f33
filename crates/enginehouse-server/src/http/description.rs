//! The description of the API (OpenAPI 3.1): what is said before the calls, and what is done to all of them together.
//!
//! Each call is described above its handler, and each type where it is defined. What tools trip over in what the macros make
//! of that is put right here, once: [`nulls`]. [`examples`] has a request for each call that has a body.

mod downgrade;
mod examples;
mod nulls;
mod operations;

use enginehouse_api::problem::{Code, Problem};
use enginehouse_api::reports::WITH_REPORT;
use enginehouse_core::report::AttemptReport;
use http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, ServerBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::problem::{described, problem};

/// What any call may be answered with, whatever it is about, because it is HTTP that is wrong or too much.
const OF_EVERY_CALL: &[Code] =
    &[Code::InvalidRequest, Code::Timeout, Code::MisdirectedRequest, Code::UnsupportedTransferCoding];
/// The same of calls that not everybody may make.
const OF_EVERY_CALL_THAT_NEEDS_A_TOKEN: &[Code] = &[Code::Unauthenticated, Code::Forbidden];
/// The same of calls that share what there is with others: all but those for machines.
const OF_EVERY_SHARED_CALL: &[Code] = &[Code::Overloaded, Code::QuotaExceeded];
/// The same of a request whose head nobody has read to its end.
const HEAD_TOO_LARGE: &str = "Send fewer and shorter headers, and a shorter path.";

/// What the description says before its calls are added.
pub(super) fn head() -> OpenApi {
    let tags = [
        ("events", "Enqueue events, look at them, cancel them."),
        ("engines", "Engines register, send heartbeats and claim events; operators drain and deregister them."),
        ("settling", "An engine ends its attempt, or keeps it going."),
        ("dead letters", "Finally failed events that wait for a person."),
        ("event types", "What each event type sets for its events."),
        ("queues", "What each queue sets for its events."),
        ("scenario runs", "Groups of events, and the engines on them."),
        ("operations", "One action on many events or engines, which lasts and can be watched."),
        ("house", "Counts and ages of everything, and how the server is set up."),
        ("tokens", "What callers prove themselves with."),
        ("audit", "What people did, and what they were kept from."),
        ("health", "For machines."),
    ];
    let info = InfoBuilder::new()
        .title("Enginehouse")
        .version("1")
        .description(Some(
            "Coordinates a fleet of engines that work off events from a durable queue. Times are RFC 3339 in UTC with \
             milliseconds, durations are seconds. Errors are problem documents (RFC 9457) with a stable `code`. Lists \
             answer a page and the cursor of the next.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    let mut components = Components::new();
    components.schemas.extend(schemas);
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description =
        Some(
            "A token of the server: `eh1_...`. As soon as there is one, every call but `/healthz` and `/readyz` needs one that has \
             any of the permissions in the call's `x-permission`. A token with selectors may make the calls whose `x-permission` says `selectors`. Without any token, only a proxy before the server may ask for one."
                .to_owned(),
        );
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer).into());
    let server =
        ServerBuilder::new().url("/").description(Some("The server that answered with this description.")).build();
    let tags = tags.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    OpenApiBuilder::new().info(info).servers(Some([server])).tags(Some(tags)).components(Some(components)).build()
}

/// The description with what holds for all calls, as tools take it.
pub(super) fn finished(mut openapi: OpenApi) -> OpenApi {
    for (path, item) in &mut openapi.paths.paths {
        for operation in operations::of(item) {
            let shared: &[Code] = if path.starts_with("/v1/") { OF_EVERY_SHARED_CALL } else { &[] };
            let is_free = operation.extensions.is_none();
            let of_tokens: &[Code] = if is_free { &[] } else { OF_EVERY_CALL_THAT_NEEDS_A_TOKEN };
            // An empty requirement is that of a server without tokens.
            let optional = vec![SecurityRequirement::default(), SecurityRequirement::new("bearer", [""; 0])];
            operation.security = Some(if is_free { Vec::new() } else { optional });
            let head_too_large = problem(format!("`{}`: {HEAD_TOO_LARGE}", Code::TooLarge));
            operation.responses.responses.insert("431".to_owned(), head_too_large.into());
            for (status, response) in described(&[OF_EVERY_CALL, shared, of_tokens].concat()) {
                // A body that is no JSON is 400, and so is what is not HTTP; bad fields are for calls that have some.
                if status != StatusCode::UNPROCESSABLE_ENTITY.as_str() {
                    operation.responses.responses.entry(status).or_insert(response);
                }
            }
            give_example(operation);
        }
    }
    add_reports(&mut openapi);
    nulls::put_right(&mut openapi);
    drop_unused(&mut openapi);
    openapi
}

/// Drops what nothing refers to: a type of text that may always be null is written out wherever it is.
fn drop_unused(openapi: &mut OpenApi) {
    let Ok(text) = serde_json::to_string(openapi) else { return };
    if let Some(components) = &mut openapi.components {
        components.schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
    }
}

/// Adds the fields of a report to the requests that have them among their own. The macros would describe such a request as two
/// objects at once, each of which refuses the fields of the other.
fn add_reports(openapi: &mut OpenApi) {
    let Some(components) = &mut openapi.components else { return };
    let mut parts = Vec::new();
    AttemptReport::schemas(&mut parts);
    components.schemas.extend(parts);
    let RefOr::T(Schema::Object(report)) = AttemptReport::schema() else { return };
    for name in WITH_REPORT {
        if let Some(RefOr::T(Schema::Object(request))) = components.schemas.get_mut(name) {
            request.properties.extend(report.properties.clone());
            request.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// The first thing that a person sees who wants to try the call is one that works.
fn give_example(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let example = operation.operation_id.as_deref().and_then(examples::of);
    for (media_type, content) in &mut body.content {
        if let RefOr::T(content) = content {
            content.example =
                if media_type == "application/json" { example.clone() } else { Some(examples::LINES.into()) };
        }
    }
}

/// The description as it lies in the repository: for people to read, and to be compared.
pub(super) fn text(openapi: &OpenApi) -> String {
    // It is made of strings, numbers and maps of them: nothing that JSON cannot say.
    let mut text = openapi.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The same in OpenAPI 3.0.
pub(super) fn text_3_0(openapi: &OpenApi) -> String {
    let mut text = downgrade::to_3_0(openapi);
    text.push('\n');
    text
}
