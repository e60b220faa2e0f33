//! Variables that look like ours and are none: a typo in a name would go unnoticed otherwise.

use enginehouse_core::nearest_name::nearest_name;
use enginehouse_server::config::{SETTINGS, Setting};

use super::context::file::CONTEXT_FILE_VARIABLE;
use super::engine_run::program::{EVENT_TOKEN_VARIABLE, LOCK_TOKEN_VARIABLE};
use super::server_address::{
    CLIENT_CERT_VARIABLE, CLIENT_KEY_VARIABLE, CONTEXT_VARIABLE, TLS_CA_VARIABLE, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE,
};

const PREFIX: &str = "ENGINEHOUSE_";
/// What commands read beside the settings of a server, and what `engine run` tells its commands.
const OTHERS: [&str; 17] = [
    "ENGINEHOUSE_CONFIG",
    "ENGINEHOUSE_URL",
    CONTEXT_VARIABLE,
    CONTEXT_FILE_VARIABLE,
    TOKEN_VARIABLE,
    TOKEN_FILE_VARIABLE,
    TLS_CA_VARIABLE,
    CLIENT_CERT_VARIABLE,
    CLIENT_KEY_VARIABLE,
    "ENGINEHOUSE_EVENT_ID",
    "ENGINEHOUSE_EVENT_TYPE",
    "ENGINEHOUSE_ATTEMPT",
    "ENGINEHOUSE_SCENARIO_RUN_ID",
    "ENGINEHOUSE_REPORT_FILE",
    "ENGINEHOUSE_CHECKPOINT",
    EVENT_TOKEN_VARIABLE,
    LOCK_TOKEN_VARIABLE,
];

/// A warning for each variable of the process that begins like ours and that nothing reads.
pub(crate) fn warnings() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<_> = names.filter_map(|name| warning(&name)).collect();
    unknown.sort_unstable();
    unknown
}

fn warning(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let settings: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
    let known = || settings.iter().map(String::as_str).chain(OTHERS);
    if known().any(|known| known == name) || is_of_kubernetes(rest) {
        return None;
    }
    let meant = nearest_name(name, known());
    let meant = meant
        .map_or_else(|| "`enginehouse config` shows the settings".to_owned(), |meant| format!("did you mean {meant}?"));
    Some(format!("the variable {name} is set, and nothing reads it: {meant}"))
}

/// Kubernetes tells every container of a service named `enginehouse` where that is, in variables that begin like ours.
fn is_of_kubernetes(rest: &str) -> bool {
    ["SERVICE_HOST", "SERVICE_PORT", "PORT"].contains(&rest)
        || rest.starts_with("SERVICE_PORT_")
        || (rest.starts_with("PORT_") && ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| rest.contains(protocol)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_nothing_reads_is_named_with_the_nearest_one() {
        let name = |name: &str| warning(name).unwrap_or_default();
        assert_eq!(
            name("ENGINEHOUSE_MAX_RETRYS"),
            "the variable ENGINEHOUSE_MAX_RETRYS is set, and nothing reads it: did you mean ENGINEHOUSE_MAX_RETRIES?"
        );
        assert!(name("ENGINEHOUSE_TOKNE").ends_with("did you mean ENGINEHOUSE_TOKEN?"));
        assert!(name("ENGINEHOUSE_SERVER").ends_with("`enginehouse config` shows the settings"));
        for known in [
            "ENGINEHOUSE_LISTEN",
            "ENGINEHOUSE_URL",
            "ENGINEHOUSE_EVENT_ID",
            "PATH",
            "ENGINEHOUSE_SERVICE_HOST",
            "ENGINEHOUSE_PORT",
            "ENGINEHOUSE_SERVICE_PORT_HTTP",
            "ENGINEHOUSE_PORT_7420_TCP_ADDR",
        ] {
            assert_eq!(name(known), "", "{known}");
        }
    }
}
