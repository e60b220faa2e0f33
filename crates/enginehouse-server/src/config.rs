//! The settings of a server: flags over environment over file over defaults.
//!
//! Each setting is one row of [`SETTINGS`]: its flag, its variable, its key in the file, its page in
//! `docs/configuration.md` and its check all come from there, so that none of them can lie.

mod setting;
mod settings;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use enginehouse_core::policy::RetryDelay;

pub use self::setting::Setting;
pub use self::settings::SETTINGS;
pub use self::values::{Config, LogFormat};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// It is not set anywhere.
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is not TOML: {why}")]
    NotToml { path: PathBuf, why: String },
    #[error("the configuration file {path} has the key {key:?}, which is no setting{}", did_you_mean(key))]
    UnknownKey { path: PathBuf, key: String },
    #[error("{setting} = {value:?} (from {from}): {why}")]
    BadValue { setting: &'static str, value: String, from: ValueSource, why: String },
    #[error("retry_delay_initial is {initial}, and retry_delay_max only {max}: set both, or a lower one")]
    DelayAboveMax { initial: f64, max: f64 },
    #[error("{given} is set and {missing} is not: set both, or neither for plain HTTP")]
    OnlyOne { given: &'static str, missing: &'static str },
    #[error("tls_cert is set, and a Unix socket speaks no TLS: leave it out, or listen on an address")]
    TlsOfSockets,
}

fn did_you_mean(key: &str) -> String {
    let alike = |setting: &&Setting| {
        let name = setting.name.replace('_', "");
        let key = key.replace(['-', '_'], "").to_lowercase();
        name.contains(&key) || key.contains(&name)
    };
    SETTINGS.iter().find(alike).map_or_else(
        || "; `enginehouse config` lists them all".to_owned(),
        |setting| format!("; did you mean {:?}?", setting.name),
    )
}

/// A configuration, and where each of its values comes from, in the order of [`SETTINGS`].
#[derive(Clone, Debug)]
pub struct Resolved {
    pub config: Config,
    pub sources: Vec<ValueSource>,
}

impl Default for Resolved {
    /// What holds where nobody says anything.
    fn default() -> Self {
        Self { config: Config::default(), sources: vec![ValueSource::Default; SETTINGS.len()] }
    }
}

/// Puts a configuration together: `flags` over `variable` over the file over the defaults.
///
/// # Errors
/// A file that cannot be read or has an unknown key, or a value that a setting may not have.
pub fn resolve(
    flags: &BTreeMap<String, String>,
    variable: &dyn Fn(&str) -> Option<String>,
    file: Option<&Path>,
) -> Result<Resolved, ConfigError> {
    let from_file = file.map_or_else(|| Ok(BTreeMap::new()), read_file)?;
    let mut config = Config::default();
    let mut sources = Vec::with_capacity(SETTINGS.len());
    for setting in SETTINGS {
        let given = match (flags.get(setting.name), variable(&setting.variable()), from_file.get(setting.name), file) {
            (Some(value), ..) => Some((value.clone(), ValueSource::Flag(setting.flag()))),
            (None, Some(value), ..) => Some((value, ValueSource::Variable(setting.variable()))),
            (None, None, Some(value), Some(path)) => Some((value.clone(), ValueSource::File(path.to_owned()))),
            _ => None,
        };
        let Some((value, from)) = given else {
            sources.push(ValueSource::Default);
            continue;
        };
        (setting.set)(&mut config, &value).map_err(|why| ConfigError::BadValue {
            setting: setting.name,
            value: enginehouse_store::postgres::without_password(&value),
            from: from.clone(),
            why,
        })?;
        sources.push(from);
    }
    let RetryDelay { initial, max, .. } = config.dispatch.default_policy.retry.retry_delay;
    if initial > max {
        return Err(ConfigError::DelayAboveMax { initial, max });
    }
    check_tls(&config)?;
    Ok(Resolved { config, sources })
}

fn listens_on_sockets_alone(config: &Config) -> bool {
    std::iter::once(&config.listen).chain(&config.metrics_listen).all(|listen| listen.path().is_some())
}

/// What is set is used: a certificate without its key would not be.
fn check_tls(config: &Config) -> Result<(), ConfigError> {
    let only_one = |given, missing| Err(ConfigError::OnlyOne { given, missing });
    match (&config.tls_cert, &config.tls_key) {
        (None, None) if config.tls_client_ca.is_some() => only_one("tls_client_ca", "tls_cert"),
        (Some(_), Some(_)) if listens_on_sockets_alone(config) => Err(ConfigError::TlsOfSockets),
        (Some(_), None) => only_one("tls_cert", "tls_key"),
        (None, Some(_)) => only_one("tls_key", "tls_cert"),
        _ => Ok(()),
    }
}

/// The process's environment, for [`resolve`].
#[expect(clippy::disallowed_methods, reason = "only the configuration reads the environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let not_toml = |why: String| ConfigError::NotToml { path: path.to_owned(), why };
    let table: toml::Table = text.parse().map_err(|error| not_toml(place_and_reason(&text, &error)))?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        if !SETTINGS.iter().any(|setting| setting.name == key) {
            let key = enginehouse_store::postgres::without_password(&key);
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key });
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            _ => return Err(not_toml(format!("{key} must be a text, a number or a truth value"))),
        };
        values.insert(key, value);
    }
    Ok(values)
}

/// Where a file stops being TOML, and why. Without the line itself, as the error would show it: there may be a password in it.
fn place_and_reason(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let config = Config::default();
    let mut page = String::from(
        "# Configuration\n\n\
         Generated by `cargo xtask docs` from the table in `crates/enginehouse-server/src/config/settings.rs`.\n\n\
         A setting is given as a flag of `enginehouse serve`, as an environment variable, or as a key of the TOML file that\n\
         `--config` or `ENGINEHOUSE_CONFIG` names. A flag goes over a variable, a variable over the file, and the file over the\n\
         default. `enginehouse config` prints what is in force, and where each value comes from. A key that is no setting, and a value\n\
         that a setting may not have, are refused.\n\n\
         | setting | flag | variable | default |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = (setting.get)(&config);
        let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
        page.push_str(&format!(
            "| [`{name}`](#{name}) | `{}` | `{}` | {default} |\n",
            setting.flag(),
            setting.variable(),
            name = setting.name,
        ));
    }
    for setting in SETTINGS {
        page.push_str(&format!("\n## {}\n\n{}\n", setting.name, setting.about));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_flag_goes_over_a_variable_over_the_file_over_the_default() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "max_retries = 1\nmax_losses = 1\nkeep_completed_days = 1\n").unwrap();
        let variable = |name: &str| match name {
            "ENGINEHOUSE_MAX_RETRIES" | "ENGINEHOUSE_MAX_LOSSES" => Some("2".to_owned()),
            _ => None,
        };
        let resolved = resolve(&flags(&[("max_retries", "3")]), &variable, Some(file.path())).unwrap();
        let policy = resolved.config.dispatch.default_policy.retry;
        assert_eq!((policy.max_retries, policy.max_losses), (3, 2));
        assert_eq!(resolved.config.dispatch.retention.completed, Duration::from_secs(86_400));
        let source = |name: &str| {
            let place = SETTINGS.iter().position(|setting| setting.name == name).unwrap();
            resolved.sources[place].to_string()
        };
        assert_eq!(source("max_retries"), "flag --max-retries");
        assert_eq!(source("max_losses"), "variable ENGINEHOUSE_MAX_LOSSES");
        assert_eq!(source("keep_completed_days"), format!("file {}", file.path().display()));
        assert_eq!(source("listen"), "default");
    }

    #[test]
    fn a_first_delay_above_the_longest_is_refused() {
        let resolved = |pairs: &[(&str, &str)]| {
            resolve(&flags(pairs), &|_| None, None).map(|_| ()).map_err(|error| error.to_string())
        };
        let long = ("retry_delay_initial", "600");
        let refused = resolved(&[long]).unwrap_err();
        assert!(refused.contains("is 600, and retry_delay_max only 300"), "{refused}");
        resolved(&[long, ("retry_delay_max", "600")]).unwrap();
    }

    #[test]
    fn a_certificate_and_its_key_are_set_together() {
        let resolved = |pairs: &[(&str, &str)]| {
            resolve(&flags(pairs), &|_| None, None).map(|_| ()).map_err(|error| error.to_string())
        };
        let (cert, key) = (("tls_cert", "a.pem"), ("tls_key", "a.key"));
        assert!(resolved(&[cert]).unwrap_err().starts_with("tls_cert is set and tls_key is not"));
        assert!(resolved(&[key]).unwrap_err().starts_with("tls_key is set and tls_cert is not"));
        resolved(&[cert, key]).unwrap();
        let ca = ("tls_client_ca", "ca.pem");
        assert!(resolved(&[ca]).unwrap_err().starts_with("tls_client_ca is set and tls_cert is not"));
        resolved(&[cert, key, ca]).unwrap();
        let socket = ("listen", "unix:/run/http.sock");
        assert!(resolved(&[cert, key, socket]).unwrap_err().contains("a Unix socket speaks no TLS"));
        resolved(&[cert, key, socket, ("metrics_listen", "127.0.0.1:0")]).unwrap();
    }

    #[test]
    fn a_default_that_is_written_out_is_the_default() {
        let defaults = Config::default();
        for setting in SETTINGS {
            let written = (setting.get)(&defaults);
            let mut config = Config::default();
            if !written.is_empty() {
                (setting.set)(&mut config, &written).unwrap_or_else(|why| panic!("{}: {why}", setting.name));
            }
            assert_eq!((setting.get)(&config), written, "{}", setting.name);
        }
    }

    #[test]
    fn what_a_setting_may_not_be_is_refused_with_what_would_be_right() {
        for (name, value) in [
            ("listen", "nowhere"),
            ("tls_cert", ""),
            ("metrics_listen", "7421"),
            ("listen", "unix:relative"),
            ("socket_mode", "800"),
            ("socket_mode", "0"),
            ("trusted_proxies", "10.0.0.1/8"),
            ("store", "mysql://x"),
            ("store", "postgres://x/d?port=y"),
            ("schema", ""),
            ("max_transactions", "0"),
            ("postgres_pooler", "perhaps"),
            ("store", ""),
            ("durability", "maybe"),
            ("migrate", "sometimes"),
            ("insecure", "perhaps"),
            ("insecure_transport", "perhaps"),
            ("log_requests", "perhaps"),
            ("max_retries", "-1"),
            ("max_retries", "1001"),
            ("retry_delay_jitter", "1.5"),
            ("retry_delay_initial", "NaN"),
            ("keep_completed_days", "-3"),
            ("max_connections", "0"),
            ("max_requests_per_second_per_token", "0"),
            ("max_events_per_second_per_token", "0"),
            ("max_bulk_mb", "0"),
            ("max_control_mb", "0"),
            ("max_streams", "0"),
            ("min_bytes_per_second", "0"),
            ("max_waiting_requests", "0"),
            ("log_format", "xml"),
            ("log", "=="),
            ("max_store_mb", "0"),
            ("max_cpu_percent", "0"),
            ("visibility_timeout_seconds", "0"),
            ("shutdown_timeout_seconds", "0"),
        ] {
            let refused = resolve(&flags(&[(name, value)]), &|_| None, None).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{name} = {value:?} (from flag --")), "{refused}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_what_was_meant() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "maxretries = 1\n").unwrap();
        let refused = resolve(&BTreeMap::new(), &|_| None, Some(file.path())).unwrap_err().to_string();
        assert!(
            refused.ends_with("has the key \"maxretries\", which is no setting; did you mean \"max_retries\"?"),
            "{refused}"
        );
    }

    /// Whatever slips as the file is written: a character is missing, or is one too many, or the file ends too early.
    #[test]
    fn no_slip_in_the_file_shows_a_password() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut refusals = 0;
        for line in [
            "store = \"postgres://ann:hunter2@db/app\"\n",
            "store = \"host=db user=ann password=hunter2\"\n",
            "store = 'postgres://db/app?user=ann&password=hunter2'\n",
            "listen = \"postgres://ann:hunter2@db/app\"\nstore = [\"postgres://ann:hunter2@db/app\"]\n",
        ] {
            let secret = line.find("hunter2").unwrap();
            let slips = (0..=line.len()).flat_map(|place| {
                let (before, after) = line.split_at(place);
                let inserted = ["\"", "'", "=", "[", "\n", "\\", "\"\"\"", "\u{1}", "#", "@", " "];
                let mut slips: Vec<_> = inserted.iter().map(|slip| format!("{before}{slip}{after}")).collect();
                slips.push(before.to_owned());
                slips.push(after.to_owned());
                slips.push(format!("{before}{}", after.get(1..).unwrap_or_default()));
                // In the password itself: then it is another one.
                if (secret + 1..secret + 7).contains(&place) { Vec::new() } else { slips }
            });
            for text in slips {
                std::fs::write(file.path(), &text).unwrap();
                let Err(refused) = resolve(&BTreeMap::new(), &|_| None, Some(file.path())) else { continue };
                refusals += 1;
                let shown = format!("{refused} {refused:?}");
                assert!(!shown.contains("hunter2"), "{text:?}: {shown}");
            }
        }
        assert!(refusals > 1_000, "{refusals}");
    }

    #[test]
    fn what_is_not_toml_is_refused_with_its_place_and_the_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# ours\nstore = \"postgres://ann:hunter2@db/app\n").unwrap();
        let refused = resolve(&BTreeMap::new(), &|_| None, Some(file.path())).unwrap_err().to_string();
        assert!(refused.ends_with("is not TOML: line 2, column 39: invalid basic string, expected `\"`"), "{refused}");
    }

    #[test]
    fn the_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(page, markdown(), "run `cargo xtask docs`");
    }
}
