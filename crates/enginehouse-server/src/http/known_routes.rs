//! The paths that there are: which of them reads a query, and which was meant by one that is none.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use enginehouse_api::problem::Code;
use enginehouse_core::access::role::Permission;
use enginehouse_core::input::likeness;
use enginehouse_core::invalid::{Invalid, shortened};
use http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use super::problem::ProblemResponse;

/// Paths that are no calls.
const PAGES: [&str; 6] = ["/", "/docs", "/login", "/logout", "/openapi.json", "/problems"];
/// A longer path is no mistyped one.
const LONGEST_MISTYPED: usize = 1_000;

/// Every path. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct KnownRoutes(Arc<[KnownRoute]>);

#[derive(Debug)]
struct KnownRoute {
    /// As the router has it: `/v1/events/{event_id}`.
    path: String,
    methods: Vec<KnownCall>,
}

#[derive(Debug)]
struct KnownCall {
    method: Method,
    /// Whether it reads a query.
    reads_query: bool,
    /// Any of these is enough; none if it is for everybody.
    permissions: Vec<Permission>,
    /// Whether it keeps to the selectors of a token.
    keeps_to_selectors: bool,
}

/// What a caller must be permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequiredAccess<'a> {
    /// Whether the process lives, what the documents say, and what no call is.
    Nothing,
    /// One of these; nobody has one of none. And whether the call keeps to the selectors of a token: if not, it is for tokens
    /// without any.
    AnyOf(&'a [Permission], bool),
}

/// The calls that are for everybody.
const FREE: [&str; 2] = ["/healthz", "/readyz"];

impl KnownRoutes {
    /// Those of a description, and of the pages if a listener has them.
    pub(super) fn of(openapi: &OpenApi, has_pages: bool) -> Self {
        // Parameters are written out where they are used, never referred to.
        let is_query = |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.parameter_in == ParameterIn::Query);
        let reads_query = |operation: &Operation| operation.parameters.iter().flatten().any(is_query);
        let calls = openapi.paths.paths.iter().map(|(path, item)| {
            let methods = [
                (Method::GET, &item.get),
                (Method::HEAD, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
            ];
            let described = methods.into_iter().filter_map(|(method, call)| {
                let call = call.as_ref()?;
                Some(KnownCall {
                    method,
                    reads_query: reads_query(call),
                    permissions: permissions(call),
                    keeps_to_selectors: declared(call, "selectors").is_some_and(|keeps| *keeps == true),
                })
            });
            KnownRoute { path: path.clone(), methods: described.collect() }
        });
        let pages = if has_pages { &PAGES[..] } else { &[] };
        let pages = pages.iter().map(|path| KnownRoute { path: (*path).to_owned(), methods: Vec::new() });
        Self(calls.chain(pages).collect())
    }

    /// Whether there are pages for people beside the calls.
    pub(super) fn have_pages(&self) -> bool {
        self.0.last().is_some_and(|route| PAGES.contains(&route.path.as_str()))
    }

    /// What the caller of a request must be permitted.
    pub(super) fn needs(&self, method: &Method, path: &str) -> RequiredAccess<'_> {
        let Some(route) = self.0.iter().find(|route| route.path == path) else {
            return if path.starts_with("/v1/") { RequiredAccess::AnyOf(&[], false) } else { RequiredAccess::Nothing };
        };
        // What has no such method is told so.
        let Some(call) = route.methods.iter().find(|call| call.method == *method) else {
            return RequiredAccess::Nothing;
        };
        if FREE.contains(&path) {
            RequiredAccess::Nothing
        } else {
            RequiredAccess::AnyOf(&call.permissions, call.keeps_to_selectors)
        }
    }

    /// Refuses a query that no handler would read, so that a typo is not silently lost.
    pub(super) fn check_query(&self, request: &Request) -> Result<(), ProblemResponse> {
        let Some(query) = request.uri().query().filter(|query| !query.is_empty()) else { return Ok(()) };
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let route = self.0.iter().find(|route| route.path == path && path.starts_with("/v1/"));
        // What has no such method is told so.
        let call = route.and_then(|route| route.methods.iter().find(|call| call.method == request.method()));
        match call {
            Some(KnownCall { reads_query: false, .. }) => {
                let first = query.split(['&', '=']).next().unwrap_or_default();
                let pointer = format!("/{}", enginehouse_core::invalid::pointer_key(&shortened(first)));
                Err(Invalid::field(pointer, "this call has no query parameters").into())
            }
            _ => Ok(()),
        }
    }

    /// What is said where there is no such path.
    pub(super) fn no_such_path(&self, path: &str) -> ProblemResponse {
        let meant = self.meant_by(path).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        ProblemResponse::new(Code::NotFound, format!("no call has the path {}{meant}", shortened(path)))
    }

    /// The path that was meant: with a slash too many, without `/v1` or with it, or mistyped.
    fn meant_by(&self, path: &str) -> Option<String> {
        if path.len() > LONGEST_MISTYPED {
            return None;
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let with_version = [&["v1"], &parts[..]].concat();
        let mut forms = vec![&parts[..], &with_version[..]];
        forms.extend(parts.strip_prefix(&["v1"]));
        let read = forms.into_iter().flat_map(|parts| self.0.iter().filter_map(move |route| route.read(parts)));
        read.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, path)| path)
    }
}

/// The extension of a call's description that says what it needs: any of some permissions; and whether it keeps to the selectors
/// of a token. It is one, for two would stand in no order.
const X_PERMISSION: &str = "x-permission";

fn declared<'a>(operation: &'a Operation, what: &str) -> Option<&'a serde_json::Value> {
    operation.extensions.as_ref()?.get(X_PERMISSION)?.get(what)
}

/// What the description of a call says that it needs.
fn permissions(operation: &Operation) -> Vec<Permission> {
    let names = declared(operation, "any_of").and_then(|names| names.as_array()).into_iter().flatten();
    names.filter_map(|name| name.as_str()?.parse().ok()).collect()
}

impl KnownRoute {
    /// The path of this route that was meant by these parts, and how much they are like it.
    fn read(&self, parts: &[&str]) -> Option<(f64, String)> {
        let own: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        if own.len() != parts.len() {
            return None;
        }
        let mut alike = 1.0;
        let mut meant = Vec::new();
        for (own, part) in own.into_iter().zip(parts) {
            let is_parameter = own.starts_with('{');
            if !is_parameter {
                alike *= likeness(part, own)?;
            }
            meant.push(if is_parameter { part } else { own });
        }
        Some((alike, shortened(&format!("/{}", meant.join("/"))).into_owned()))
    }
}
