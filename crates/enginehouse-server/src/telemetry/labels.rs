//! The values of labels. Each one is a time series of its own, so there is a bound to how many there are.

use http::Method;

/// Most event types that have a label of their own; whatever comes later is `other`.
pub(super) const MAX_LABELLED: usize = 500;
pub(super) const OTHER: &str = "other";

/// A method that may be a label: a client may send any word as one.
pub(super) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => OTHER,
    }
}
