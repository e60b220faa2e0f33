//! How a server is set up, and how it does.

use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// How a server is set up and how it does: what one looks at before one changes anything about it.
///
/// Each server answers of itself. Others on the same database may be set up in other ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemInfo {
    /// The present, by the store's clock.
    pub now: Timestamp,
    /// For how long this server has run, in seconds.
    pub uptime_seconds: u64,
    /// The version of the server.
    pub server_version: String,
    /// What people call this installation, as `instance_name` says; null if nobody has named it.
    #[schema(required = true)]
    pub instance_name: Option<String>,
    /// The kind of the store, its version, the version of its schema and where it is, without a password.
    pub store: String,
    /// The room on the disk of the data file; null for a database, which keeps that to itself.
    #[schema(required = true)]
    pub disk: Option<DiskRoom>,
    /// What is wrong, as far as a server sees it that runs. `enginehouse doctor` reads every row besides.
    pub findings: Vec<String>,
    /// What a person should look after, though nothing is wrong yet: tokens and certificates near their end, and listeners that
    /// can be overheard.
    pub advice: Vec<String>,
    /// Every setting, in the order of the page that documents them.
    pub settings: Vec<SettingInForce>,
}

/// The room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskRoom {
    /// What may still be written, in bytes.
    pub free_bytes: u64,
    /// What fits in all, in bytes.
    pub total_bytes: u64,
}

/// A setting of a server, as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingInForce {
    /// Its key in the file of settings.
    pub setting: String,
    /// The value; empty if there is none. No password is in it.
    pub value: String,
    /// Where the value comes from: `default`, `file PATH`, `variable NAME` or `flag NAME`.
    pub from: String,
    /// What it is for, with unit and range, in Markdown.
    pub about: String,
}

/// The colour by which people tell one installation from another.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InstanceColor {
    Red,
    Orange,
    Yellow,
    Green,
    Teal,
    Blue,
    Purple,
    Pink,
}
