//! The terms of a filter, as a caller may have them.

use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::filter::FilterTerms;

use super::problem::ProblemResponse;

/// Refuses terms by which a caller would find out what stands in payloads that the caller may not read.
pub(super) fn check_terms(principal: &Principal, terms: &FilterTerms) -> Result<(), ProblemResponse> {
    if terms.asks_for_payloads() && !principal.may(Permission::EventsReadPayload) {
        let on = Some("a filter that asks for something in payloads".to_owned());
        return Err(Problem::forbidden(Permission::EventsReadPayload, on).into());
    }
    Ok(())
}
