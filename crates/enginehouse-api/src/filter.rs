//! The filter of a list as one line of terms.

use enginehouse_core::filter::{FilterSubject, FilterTerms};
use enginehouse_core::input::Value;
use serde::Serialize;
use utoipa::IntoParams;

/// A filter as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterQuery {
    /// Terms with blanks between them, all of which must hold, beside the other parameters: `queue:render age:>5m -run:*`. An
    /// event has `id`, `status`, `queue`, `type`, `engine`, `run`, `priority`, `key`, `attempts`, `error`, `error_code`, `group`,
    /// `reason`, `age`, `enqueued`, `available`, `finished`, `version`, `label.NAME` and `payload.PATH`; a dead letter
    /// `dead_lettered` too and no `status`; an engine `id`, `status`, `type`, `run`, `age`, `version`, `capability`, `host`,
    /// `stopped` and `silent`. Values are alternatives with commas between them: `a`, `a*`, `"a b"`, `~part`, `>5`, `<=5`, `*` for
    /// any; `-` before a term negates it. A term without a colon is an id or its beginning. To ask for something in payloads
    /// needs `events:read_payload`.
    #[serde(rename = "filter", skip_serializing_if = "Option::is_none")]
    #[param(rename = "filter", value_type = Option<String>, format = "filter")]
    pub terms: Option<String>,
}

/// Reads the filter of a list.
pub fn read_terms(value: Value<'_>, subject: FilterSubject) -> Option<FilterTerms> {
    FilterTerms::parse(subject, &value.text()?).map_err(|error| value.refuse(error)).ok()
}
