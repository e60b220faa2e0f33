//! Who calls, and what they may do.

use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::{Permission, Role};
use enginehouse_core::access::secret::Accessor;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::TokenName;
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use utoipa::ToSchema;

use crate::system::InstanceColor;

/// Who makes a call, and what the server permits them: what a user interface offers, and what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The token's accessor; null as long as the server has no token, so that everybody may do everything.
    #[schema(required = true)]
    pub accessor: Option<Accessor>,
    /// What people call the token.
    #[schema(required = true)]
    pub name: Option<TokenName>,
    /// What the token is for.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// All that the caller may do, as the `x-permission` of calls names it.
    pub permissions: Vec<String>,
    /// On what the caller may do it; on everything if empty.
    pub selectors: Selectors,
    /// The version of the server that answers.
    pub server_version: String,
    /// What people call this installation; null if nobody has named it.
    #[schema(required = true)]
    pub instance_name: Option<String>,
    /// The colour by which they tell it from others; null if it has none.
    #[schema(required = true)]
    pub instance_color: Option<InstanceColor>,
}

impl WhoAmI {
    /// Whoever has no token shows as nobody. The installation is the server's to add.
    pub fn of(principal: &Principal, server_version: &str) -> Self {
        let grant = match principal {
            Principal::Bearer(grant) => Some(grant),
            Principal::Anyone
            | Principal::Store
            | Principal::Server
            | Principal::Command(_)
            | Principal::Operation(_) => None,
        };
        let permitted = Permission::VARIANTS.iter().filter(|permission| principal.may(**permission));
        Self {
            accessor: grant.map(|grant| grant.accessor.clone()),
            name: grant.map(|grant| grant.name.clone()),
            role: grant.map(|grant| grant.role),
            permissions: permitted.map(ToString::to_string).collect(),
            selectors: principal.selectors().map(|selectors| Selectors::clone(selectors)).unwrap_or_default(),
            server_version: server_version.to_owned(),
            instance_name: None,
            instance_color: None,
        }
    }
}
