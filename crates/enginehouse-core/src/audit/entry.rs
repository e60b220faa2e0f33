//! What the audit log says of one thing that somebody did, and which of it is asked for.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::json::RawJson;
use crate::time::Timestamp;

/// How something ended that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused: they may not do it.
    Denied,
}

impl AuditOutcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Something that somebody did, or was kept from.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// The id of the request, as the access log has it; none of what nobody has sent a request for.
    pub request_id: Option<String>,
    /// Who: the accessor of a token, `anyone` where there are no tokens, `store` for whoever has opened the store itself,
    /// `operation` and its id for what one does to its members, or `server` for what it does by itself.
    pub principal: String,
    /// From which address the request came.
    pub address: Option<String>,
    /// What, such as `dead_letter.redrive`; of something that was denied, the permission that is missing.
    pub action: String,
    /// To which event, engine, event type, queue or token, by its id or name; of something that was denied, the call.
    pub target: String,
    pub outcome: AuditOutcome,
    /// Anything more, as a JSON object.
    pub detail: RawJson,
}

/// Which entries are asked for: those that match all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub principal: Option<String>,
    /// The whole action, or its beginning up to a dot or a colon: `token` is `token.create` and `token.revoke`.
    pub action: Option<String>,
    pub target: Option<String>,
    pub outcome: Option<AuditOutcome>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether an entry is among them.
    pub fn admits(&self, entry: &AuditEntry) -> bool {
        let is_action = |wanted: &String| {
            entry
                .action
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
        };
        self.principal.as_ref().is_none_or(|wanted| *wanted == entry.principal)
            && self.action.as_ref().is_none_or(is_action)
            && self.target.as_ref().is_none_or(|wanted| *wanted == entry.target)
            && self.outcome.is_none_or(|wanted| wanted == entry.outcome)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_named_as_a_whole_or_by_its_beginning() {
        let entry = AuditEntry {
            at: Timestamp::from_millis(1_000),
            request_id: None,
            principal: "store".to_owned(),
            address: None,
            action: "token.create".to_owned(),
            target: "k3jq7xw2m5ab".to_owned(),
            outcome: AuditOutcome::Done,
            detail: RawJson::empty_object(),
        };
        let by_action =
            |action: &str| AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() }.admits(&entry);
        assert!(by_action("token") && by_action("token.create"));
        assert!(!by_action("tok") && !by_action("token.creat") && !by_action("event"));
        let at = |from, until| {
            let moment = |millis: Option<i64>| millis.map(Timestamp::from_millis);
            AuditFilter { from: moment(from), until: moment(until), ..AuditFilter::default() }.admits(&entry)
        };
        assert!(at(Some(1_000), Some(1_001)) && !at(Some(1_001), None) && !at(None, Some(1_000)));
    }
}
