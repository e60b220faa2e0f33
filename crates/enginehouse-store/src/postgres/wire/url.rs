//! The URL of a database. tokio-postgres reads most of it; the parameters about TLS are read here.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::{Mode, Tls};
use crate::migrations::SchemaName;

/// The parameters of a URL: those about TLS, then those that tokio-postgres reads.
const PARAMETERS: [&str; 22] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "application_name",
    "options",
    "target_session_attrs",
    "load_balance_hosts",
    "channel_binding",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
];

/// Reads a URL. No error contains a password.
pub(crate) fn parse(url: &str) -> Result<(Config, Tls), String> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("not a URL".to_owned());
    }
    // As tokio-postgres does, which takes everything before the first @ for the user and the password.
    let authority = url.find('@').map_or(0, |at| at + 1);
    if url[..authority].contains('?') && url[..authority].contains('=') {
        // `…?password=p@ssword`: the rest of the password would be the host, and named in every message.
        return Err("there are parameters before an @; write @ in a password as %40, ? as %3F and = as %3D".to_owned());
    }
    let query_begin = url[authority..].find('?').map_or(url.len(), |at| authority + at);
    let (address, query) = (&url[..query_begin], url[query_begin..].trim_start_matches('?'));
    let mut tls = Tls::default();
    let mut mode = None;
    let mut system_roots = false;
    let mut others = Vec::new();
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = || {
            let decoded = percent_decode_str(value).decode_utf8();
            let decoded = decoded.map_err(|_| format!("the parameter {key} is not percent-encoded UTF-8"))?;
            Ok::<_, String>((!decoded.is_empty()).then(|| PathBuf::from(&*decoded)))
        };
        match key {
            "sslmode" => mode = Some(Mode::from_name(value)?),
            "sslrootcert" if value == "system" => system_roots = true,
            "sslrootcert" => tls.root_cert = path()?,
            "sslcert" => tls.cert = path()?,
            "sslkey" => tls.key = path()?,
            _ => others.push(pair),
        }
    }
    let has_roots = system_roots || tls.root_cert.is_some();
    tls.mode = mode.unwrap_or(if has_roots { Mode::VerifyFull } else { Mode::Prefer });
    if system_roots && tls.mode != Mode::VerifyFull {
        // Anybody gets a certificate from a public CA: it says nothing unless the name is checked.
        return Err("sslrootcert=system needs sslmode=verify-full".to_owned());
    }
    if tls.mode < Mode::Require && has_roots {
        return Err("sslrootcert needs sslmode=require, verify-ca or verify-full".to_owned());
    }
    if tls.mode == Mode::VerifyCa && !has_roots {
        return Err("sslmode=verify-ca needs sslrootcert, the file of the CA".to_owned());
    }
    if tls.cert.is_some() != tls.key.is_some() {
        return Err("sslcert and sslkey are needed together".to_owned());
    }
    let mut config = parse_others(address, &others)?;
    for address in config.get_hostaddrs().to_vec() {
        if config.get_hosts().len() < config.get_hostaddrs().len() {
            config.host(address.to_string());
        }
    }
    if config.get_dbname().is_some_and(|name| name.contains('=')) {
        return Err("the name of the database has a = in it: parameters come after a ?".to_owned());
    }
    let hosts = config.get_hosts();
    if hosts.iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
        // The rest of a password would be looked up, and named in every message.
        return Err("a host has an @ in it; write @ in a password as %40".to_owned());
    }
    if hosts.is_empty() || hosts.contains(&Host::Tcp(String::new())) {
        return Err("no host is named".to_owned());
    }
    let sockets = hosts.iter().filter(|host| matches!(host, Host::Unix(_))).count();
    if sockets == hosts.len() {
        tls.mode = Mode::Disable;
    } else if sockets > 0 && tls.mode >= Mode::Require {
        return Err("a Unix socket has no TLS: name sockets alone, or hosts alone".to_owned());
    }
    config.ssl_mode(match tls.mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    Ok((config, tls))
}

fn parse_others(address: &str, parameters: &[&str]) -> Result<Config, String> {
    let has_password = parameters.iter().any(|parameter| parameter.starts_with("password="));
    // What is quoted may be the end of a password with an & in it.
    let hidden = || "a parameter is unknown or invalid; write & in a password as %26".to_owned();
    let names = parameters.iter().map(|parameter| parameter.split_once('=').map_or(*parameter, |(name, _)| name));
    if let Some(unknown) = names.filter(|name| !name.is_empty()).find(|name| !PARAMETERS.contains(name)) {
        let known = PARAMETERS.join(", ");
        return Err(if has_password {
            hidden()
        } else if parameters.contains(&unknown) {
            format!("a parameter after ? has no value; known are {known}")
        } else {
            format!("the parameter {unknown} is unknown; known are {known}")
        });
    }
    format!("{address}?{}", parameters.join("&")).parse().map_err(|error: tokio_postgres::Error| {
        if has_password {
            return hidden();
        }
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    })
}

/// The place of a database for messages: hosts, database and schema, without the user and the password.
pub(crate) fn describe(config: &Config, schema: &SchemaName) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("{}/{database}, schema {schema}", hosts.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn shown(url: &str) -> String {
        match parse(url) {
            Ok((_, Tls { mode, root_cert, cert, key })) => {
                let files = [root_cert, cert, key].into_iter().flatten().map(|path| path.display().to_string());
                std::iter::once(format!("{mode:?}")).chain(files).collect::<Vec<_>>().join(" ")
            }
            Err(why) => why,
        }
    }

    #[test]
    fn the_parameters_about_tls_are_read() {
        let sockets = "a Unix socket has no TLS: name sockets alone, or hosts alone";
        let unknown = format!("the parameter sslcrl is unknown; known are {}", PARAMETERS.join(", "));
        let needs_mode = "sslrootcert needs sslmode=require, verify-ca or verify-full";
        for (rest, want) in [
            ("h/d", "Prefer"),
            ("h", "Prefer"),
            ("h?sslmode=disable", "Disable"),
            ("h?sslmode=prefer", "Prefer"),
            ("h?sslmode=require", "Require"),
            ("h?sslmode=verify-full", "VerifyFull"),
            ("h?sslmode=disable&sslmode=require", "Require"),
            ("h?sslmode=require&sslrootcert=/etc/ca.crt", "Require /etc/ca.crt"),
            ("h?sslmode=verify-ca&sslrootcert=/etc/ca.crt", "VerifyCa /etc/ca.crt"),
            ("h?sslmode=verify-ca", "sslmode=verify-ca needs sslrootcert, the file of the CA"),
            ("h?sslrootcert=%2Fetc%2Fc%C3%A4.crt", "VerifyFull /etc/cä.crt"),
            ("h?sslrootcert=", "Prefer"),
            ("h?sslrootcert=system", "VerifyFull"),
            ("h?sslrootcert=system&sslmode=require", "sslrootcert=system needs sslmode=verify-full"),
            ("h?sslrootcert=ca.crt&sslmode=prefer", needs_mode),
            ("h?sslrootcert=ca.crt&sslmode=disable", needs_mode),
            ("h?sslcert=a.crt&application_name=x&sslkey=a.key", "Prefer a.crt a.key"),
            ("h?sslcert=a.crt", "sslcert and sslkey are needed together"),
            (
                "h?sslmode=allow",
                "the parameter sslmode must be one of disable, prefer, require, verify-ca, verify-full",
            ),
            ("h?sslmode=on", "the parameter sslmode must be one of disable, prefer, require, verify-ca, verify-full"),
            ("h?sslkey=%ff", "the parameter sslkey is not percent-encoded UTF-8"),
            ("h?port=x", "invalid value for option `port`"),
            ("h?sslcrl=x", unknown.as_str()),
            // A Unix socket is not encrypted, and cannot be overheard.
            ("%2Frun/d?sslmode=verify-full", "Disable"),
            ("%2Frun,h/d", "Prefer"),
            ("%2Frun,h/d?sslmode=require", sockets),
            ("/d", "no host is named"),
            (":1/d", "no host is named"),
            ("h,/d", "no host is named"),
        ] {
            assert_eq!(shown(&format!("postgres://{rest}")), want, "{rest}");
            assert_eq!(shown(&format!("postgresql://u:p@{rest}")), want, "{rest}");
        }
        assert_eq!(shown("host=h"), "not a URL");
    }

    #[test]
    fn tokio_postgres_reads_the_rest() {
        let (config, _) = parse(
            "postgres://u:p%40%3F@one:1,two:2/d?sslmode=require&target_session_attrs=read-write&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(config.get_password(), Some(&b"p@?"[..]));
        assert_eq!(config.get_hosts(), [Host::Tcp("one".to_owned()), Host::Tcp("two".to_owned())]);
        assert_eq!(config.get_options(), Some("-c a=b"));
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let described = describe(&config, &SchemaName::default());
        assert_eq!(described, "one:1,two:2/d, schema enginehouse");

        let (config, _) = parse("postgres://u@/d?hostaddr=10.0.0.1&port=5433").unwrap();
        assert_eq!(describe(&config, &SchemaName::default()), "10.0.0.1:5433/d, schema enginehouse");
        let (config, _) = parse("postgres://u@%2Frun").unwrap();
        assert_eq!(describe(&config, &SchemaName::default()), "/run:5432/u, schema enginehouse");
    }

    #[test]
    fn no_error_contains_a_password() {
        for text in [
            "postgres://u:secret@h/d?sslmode=secrets",
            "postgres://u:secret@h/d?x=y",
            "postgres://h/d?password=a&secret=b",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h:1:2/d",
            "postgres://u:secret@[h/d",
            "postgres://u:%ffsecret@h/d?port=z",
            "host=h password=a secret=b",
            "postgres://u:secret@h/d?secret",
            "postgres://u:p@secret@h/d",
            "postgres://u:p@ss:secret@h/d",
            "postgres://u:secret",
            "postgres://u:secret/d",
            "postgres://h/d?password=p@secret",
            "postgres://h/d&password=secret",
            "postgres://h:1/d?user=ann&password=p@secret",
            "postgres://h/d?sslpassword=a&secret=b",
        ] {
            let why = parse(text).expect_err(text);
            assert!(!why.contains("secret"), "{text}: {why}");
        }
    }
}
