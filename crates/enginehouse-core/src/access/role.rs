//! Roles, and what each may do: the table of who may do what.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Something that one may do, or not. Each call of the API needs one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
pub enum Permission {
    /// Counts, ages and metrics.
    #[strum(serialize = "stats:read")]
    StatsRead,
    /// Events, dead letters, their history and why they wait; without payloads, results and what errors say.
    #[strum(serialize = "events:read")]
    EventsRead,
    /// The same with them, and logs of attempts.
    #[strum(serialize = "events:read_payload")]
    EventsReadPayload,
    #[strum(serialize = "events:enqueue")]
    EventsEnqueue,
    /// Cancel, retry, redrive, change and discard, one by one or many.
    #[strum(serialize = "events:control")]
    EventsControl,
    #[strum(serialize = "engines:register")]
    EnginesRegister,
    /// Heartbeats, claims and settles, as the engine itself.
    #[strum(serialize = "engines:work")]
    EnginesWork,
    /// Report on one attempt and settle it, as its command. No role has it but that which has everything: the token of the attempt does.
    #[strum(serialize = "attempts:settle")]
    AttemptsSettle,
    #[strum(serialize = "engines:read")]
    EnginesRead,
    /// Drain, resume, quarantine and deregister.
    #[strum(serialize = "engines:control")]
    EnginesControl,
    #[strum(serialize = "settings:read")]
    SettingsRead,
    /// Pause and resume queues and event types.
    #[strum(serialize = "settings:pause")]
    SettingsPause,
    #[strum(serialize = "settings:write")]
    SettingsWrite,
    #[strum(serialize = "tokens:read")]
    TokensRead,
    /// Create, rotate and revoke tokens.
    #[strum(serialize = "tokens:write")]
    TokensWrite,
    /// The audit log.
    #[strum(serialize = "audit:read")]
    AuditRead,
    /// How the server is set up: its settings, its store and its certificates.
    #[strum(serialize = "system:read")]
    SystemRead,
}

impl Permission {
    /// The word that stands in descriptions and refusals.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// A monitor: counts and metrics alone.
    Metrics,
    /// Looks at everything but payloads, results and what errors say; changes nothing.
    Viewer,
    /// Enqueues events, and looks at and controls those that its selectors allow.
    Producer,
    /// Registers engines and works as them.
    Engine,
    /// Looks at everything and controls events and engines; pauses and resumes.
    Operator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The word for it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it may do that; of `events:read_payload`, an operator only if its token says so.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Metrics => permission == P::StatsRead,
            Self::Viewer => matches!(permission, P::StatsRead | P::EventsRead | P::EnginesRead | P::SettingsRead),
            Self::Producer => {
                matches!(permission, P::EventsRead | P::EventsReadPayload | P::EventsEnqueue | P::EventsControl)
            }
            Self::Engine => matches!(permission, P::EnginesRegister | P::EnginesWork),
            Self::Operator => matches!(
                permission,
                P::StatsRead
                    | P::EventsRead
                    | P::EventsControl
                    | P::EnginesRead
                    | P::EnginesControl
                    | P::SettingsRead
                    | P::SettingsPause
                    | P::SystemRead
            ),
            Self::Admin => true,
        }
    }

    /// Whether a token of this role may be given `events:read_payload` beside what the role has.
    pub fn may_be_given_payloads(self) -> bool {
        self == Self::Operator
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_what_the_table_says_and_nothing_else() {
        // Columns: metrics, viewer, producer, engine, operator, admin.
        let table = "
            stats:read          x x . . x x
            events:read         . x x . x x
            events:read_payload . . x . . x
            events:enqueue      . . x . . x
            events:control      . . x . x x
            engines:register    . . . x . x
            engines:work        . . . x . x
            attempts:settle     . . . . . x
            engines:read        . x . . x x
            engines:control     . . . . x x
            settings:read       . x . . x x
            settings:pause      . . . . x x
            settings:write      . . . . . x
            tokens:read         . . . . . x
            tokens:write        . . . . . x
            audit:read          . . . . . x
            system:read         . . . . x x";
        let rows: Vec<_> = table.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), Permission::VARIANTS.len());
        for (row, permission) in rows.into_iter().zip(Permission::VARIANTS) {
            let mut words = row.split_whitespace();
            assert_eq!(words.next(), Some(permission.name()));
            let has: Vec<_> = words.map(|word| word == "x").collect();
            let may: Vec<_> = Role::VARIANTS.iter().map(|role| role.may(*permission)).collect();
            assert_eq!(may, has, "{permission}");
        }
    }
}
