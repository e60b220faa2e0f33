//! How this server is set up, and how it does.

use axum::extract::{Extension, State};
use enginehouse_api::system::{DiskRoom, SettingInForce, SystemInfo};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_store::DiskSpace;

use super::app::App;
use super::json::Json;
use super::overview;
use super::problem::{ListProblems, ProblemResponse};
use crate::advice::advice;
use crate::config::SETTINGS;

/// Show how this server is set up, where each setting comes from, and what a person should look after.
///
/// Advice about tokens is for those who may read tokens.
#[utoipa::path(get, path = "/v1/system", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::SystemRead.name()], "selectors": false }))),
    responses((status = 200, description = "The server.", body = SystemInfo), ListProblems))]
pub(super) async fn get_system(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<SystemInfo>, ProblemResponse> {
    // Files and the disk may keep whoever looks at them waiting.
    let asking = app.clone();
    app.at_low_priority(async move { read(&asking, &principal).await }).await.map(Json)
}

async fn read(app: &App, principal: &Principal) -> Result<SystemInfo, ProblemResponse> {
    let (now, health) = (app.metrics().store_now(), app.store().health());
    let tokens = match principal.may(Permission::TokensRead) {
        true => app.store().tokens().await?.tokens,
        false => Vec::new(),
    };
    let (settings, config) = (app.settings(), app.config());
    let settings = SETTINGS.iter().zip(&settings.sources).map(|(setting, from)| SettingInForce {
        setting: setting.name.to_owned(),
        value: (setting.get)(config),
        from: from.to_string(),
        about: setting.about.to_owned(),
    });
    Ok(SystemInfo {
        now,
        uptime_seconds: app.uptime().as_secs(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        instance_name: config.instance_name.clone(),
        store: app.store().describe(),
        disk: health.disk.map(|DiskSpace { free, total }| DiskRoom { free_bytes: free, total_bytes: total }),
        findings: overview::findings(app, &health).into_iter().map(|item| item.summary).collect(),
        advice: advice(config, &tokens, now),
        settings: settings.collect(),
    })
}
