//! The parameters of a connection: those about TLS, which tokio-postgres does not know, and the rest, which it reads.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslNegotiation};

/// What tokio-postgres reads by itself.
const OTHERS: [&str; 18] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// How far a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Never by TLS.
    Disable,
    /// By TLS if the server lets nobody in without.
    Allow,
    /// By TLS if the server has it.
    #[default]
    Prefer,
    /// By TLS, with whoever answers; with a server that the CA knows, if a CA is there.
    Require,
    /// By TLS, with a server that the CA knows.
    VerifyCa,
    /// By TLS, with the server of that name that the CA knows.
    VerifyFull,
}

/// Whom a server's certificate must come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum RootCert {
    /// Somebody in root.crt of the user's folder.
    #[default]
    Default,
    /// Somebody in this file.
    File(PathBuf),
    /// Whom the system trusts.
    System,
}

/// What the parameters say about TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) mode: Mode,
    pub(super) root_cert: RootCert,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

impl Mode {
    const ALL: [(&str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    fn from_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("the parameter sslmode must be one of {}", known.join(", "))
        })
    }
}

/// Reads a URL, or libpq's `key=value` pairs.
pub(super) fn read(text: &str) -> Result<(Config, Asked), String> {
    let (rest, pairs) = match ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        true => split_url(text)?,
        false => split_pairs(text)?,
    };
    let asked = Asked::from_pairs(&pairs)?;
    let config: Config = rest.parse().map_err(|error| reason(&error))?;
    let unnamed = Host::Tcp(String::new());
    if config.get_hosts().iter().all(|host| *host == unnamed) && config.get_hostaddrs().is_empty() {
        return Err("no host is named".to_owned());
    }
    if config.get_ssl_negotiation() == SslNegotiation::Direct && asked.mode < Mode::Require {
        return Err(format!("sslnegotiation=direct needs sslmode=require or more, not {}", asked.mode.name()));
    }
    Ok((config, asked))
}

/// The error of tokio-postgres without its prefix. It names parameters, and never holds a value.
fn reason(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

type Pairs = Vec<(String, String)>;

impl Asked {
    fn from_pairs(pairs: &Pairs) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut mode = None;
        for (key, value) in pairs {
            match key.as_str() {
                "sslmode" => mode = Some(Mode::from_name(value)?),
                // Of JDBC; libpq knows it too.
                "ssl" if value == "true" => mode = Some(Mode::Require),
                "ssl" => return Err("the parameter ssl can only be true; sslmode says the rest".to_owned()),
                "sslrootcert" if value == "system" => asked.root_cert = RootCert::System,
                "sslrootcert" if !value.is_empty() => asked.root_cert = RootCert::File(value.into()),
                "sslcert" if !value.is_empty() => asked.cert = Some(value.into()),
                "sslkey" if !value.is_empty() => asked.key = Some(value.into()),
                _ => {}
            }
        }
        if asked.root_cert == RootCert::System {
            // Anybody gets a certificate from those whom the system trusts: without the name it says nothing.
            let mode = mode.unwrap_or(Mode::VerifyFull);
            if mode != Mode::VerifyFull {
                return Err(format!("sslrootcert=system needs sslmode=verify-full, not {}", mode.name()));
            }
            asked.mode = mode;
        } else {
            asked.mode = mode.unwrap_or_default();
        }
        Ok(asked)
    }
}

/// Whether it is a parameter about TLS, to be read here. Neither is an error.
fn is_ours(key: &str, before: Option<&str>) -> Result<bool, String> {
    if ["sslmode", "ssl", "sslrootcert", "sslcert", "sslkey"].contains(&key) {
        return Ok(true);
    }
    if OTHERS.contains(&key) {
        return Ok(false);
    }
    // What follows a password may be a part of it that was not encoded.
    let name = if before == Some("password") { "what follows the password".to_owned() } else { format!("`{key}`") };
    let known = OTHERS.join(", ");
    Err(format!("{name} is no parameter that is known here: there are sslmode, sslrootcert, sslcert, sslkey, {known}"))
}

/// A URL without our parameters, and those.
fn split_url(url: &str) -> Result<(String, Pairs), String> {
    // As tokio-postgres does, which takes everything before the first @ for the user and the password.
    let authority = url.find('@').map_or(0, |at| at + 1);
    let Some(query) = url[authority..].find('?').map(|place| authority + place) else {
        return Ok((url.to_owned(), Pairs::new()));
    };
    let mut ours = Pairs::new();
    let mut others = Vec::new();
    let mut before = None;
    for pair in url[query + 1..].split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) =
            pair.split_once('=').ok_or("a parameter has no value: write it as name=value, and & in a value as %26")?;
        if is_ours(key, before)? {
            let value = decoded(value).ok_or_else(|| format!("the parameter {key} is not percent-encoded UTF-8"))?;
            ours.push((key.to_owned(), value));
        } else {
            others.push(pair);
        }
        before = Some(key);
    }
    let mark = if others.is_empty() { "" } else { "?" };
    Ok((format!("{}{mark}{}", &url[..query], others.join("&")), ours))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                (u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, tail)
            }
            (b'%', _) => return None,
            (byte, tail) => (*byte, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

/// The pairs without ours, and ours.
fn split_pairs(text: &str) -> Result<(String, Pairs), String> {
    let mut ours = Pairs::new();
    let mut others = String::new();
    let mut before: Option<String> = None;
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return Ok((others, ours));
        }
        let mut key = String::new();
        while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace() && *letter != '=') {
            key.push(letter);
        }
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if letters.next() != Some('=') {
            return Err("neither a URL nor pairs of name=value".to_owned());
        }
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let value = value_of(&mut letters)?;
        if is_ours(&key, before.as_deref())? {
            ours.push((key.clone(), value));
        } else {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            others.push_str(&format!("{key}='{value}' "));
        }
        before = Some(key);
    }
}

fn value_of(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let quoted = letters.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match letters.peek() {
            None if quoted => return Err("a quoted value has no end".to_owned()),
            None => return Ok(value),
            Some('\'') if quoted => {
                letters.next();
                return Ok(value);
            }
            Some(letter) if !quoted && letter.is_whitespace() => return Ok(value),
            Some('\\') => {
                letters.next();
                value.extend(letters.next());
            }
            Some(_) => value.extend(letters.next()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn said(text: &str) -> String {
        match read(text) {
            Ok((_, Asked { mode, root_cert, cert, key })) => {
                let mut words = mode.name().to_owned();
                match root_cert {
                    RootCert::Default => {}
                    RootCert::File(path) => words += &format!(" by {}", path.display()),
                    RootCert::System => words += " by the system",
                }
                for path in [cert, key].iter().flatten() {
                    words += &format!(" as {}", path.display());
                }
                words
            }
            Err(why) => why,
        }
    }

    #[test]
    fn what_is_said_about_tls_is_read() {
        for (parameters, want) in [
            ("", "prefer"),
            ("sslmode=disable", "disable"),
            ("sslmode=allow", "allow"),
            ("sslmode=prefer", "prefer"),
            ("sslmode=require", "require"),
            ("ssl=true", "require"),
            ("sslmode=verify-ca", "verify-ca"),
            ("sslmode=verify-full", "verify-full"),
            ("sslmode=disable&sslmode=require", "require"),
            ("sslrootcert=/etc/ca.crt&sslmode=require", "require by /etc/ca.crt"),
            ("sslrootcert=%2Fetc%2Fc%C3%A4.crt", "prefer by /etc/cä.crt"),
            ("sslrootcert=", "prefer"),
            ("sslrootcert=system", "verify-full by the system"),
            ("sslrootcert=system&sslmode=verify-full", "verify-full by the system"),
            ("sslrootcert=system&sslmode=require", "sslrootcert=system needs sslmode=verify-full, not require"),
            ("sslcert=a.crt&application_name=x&sslkey=a.key", "prefer as a.crt as a.key"),
            ("sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require or more, not prefer"),
            ("sslnegotiation=direct&sslmode=require", "require"),
            (
                "sslmode=on",
                "the parameter sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
            ),
            ("ssl=false", "the parameter ssl can only be true; sslmode says the rest"),
            ("sslkey=%zz", "the parameter sslkey is not percent-encoded UTF-8"),
            ("sslkey=%f", "the parameter sslkey is not percent-encoded UTF-8"),
            ("sslmode", "a parameter has no value: write it as name=value, and & in a value as %26"),
            ("port=x", "invalid value for option `port`"),
        ] {
            assert_eq!(said(&format!("postgres://u:p@h:5/d?{parameters}")), want, "{parameters}");
            // Without a user, a port or a database too, and as pairs.
            assert_eq!(said(&format!("postgresql://h?{parameters}")), want, "{parameters}");
            if !parameters.contains('%') && parameters.contains('=') && !parameters.ends_with('=') {
                assert_eq!(said(&format!("host=h {}", parameters.replace('&', "  "))), want, "{parameters}");
            }
        }
    }

    #[test]
    fn the_rest_arrives_as_it_was() {
        let (config, asked) = read(
            "postgres://u:p%40%3F@one:1,two:2/d?sslmode=require&target_session_attrs=read-write&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(asked.mode, Mode::Require);
        assert_eq!(config.get_password(), Some(&b"p@?"[..]));
        assert_eq!(config.get_hosts(), [Host::Tcp("one".to_owned()), Host::Tcp("two".to_owned())]);
        assert_eq!(config.get_ports(), [1, 2]);
        assert_eq!(config.get_dbname(), Some("d"));
        assert_eq!(config.get_options(), Some("-c a=b"));
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);

        let (config, asked) =
            read(r"host=/run password = 'it\'s \\' sslmode = 'verify-ca' user=a\ b dbname=''").unwrap();
        assert_eq!(asked.mode, Mode::VerifyCa);
        assert_eq!(config.get_hosts(), [Host::Unix("/run".into())]);
        assert_eq!(config.get_password(), Some(&br"it's \"[..]));
        assert_eq!((config.get_user(), config.get_dbname()), (Some("a b"), Some("")));

        for nowhere in ["", "postgres:///d", "postgres://:1/d", "user=a"] {
            assert_eq!(read(nowhere).unwrap_err(), "no host is named");
        }
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        for text in ["postgres://u:pw@h/d?sslcrl=x", "host=h sslcrl=x"] {
            let why = said(text);
            assert!(why.starts_with("`sslcrl` is no parameter that is known here: there are sslmode, "), "{why}");
            assert!(why.contains("target_session_attrs"), "{why}");
        }
    }

    #[test]
    fn a_password_is_in_no_error() {
        for text in [
            "postgres://u:secret@h/d?sslmode=secrets",
            "postgres://u:secret@h/d?x=y",
            "postgres://h/d?password=a&secret=b",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h:1:2/d",
            "postgres://u:secret@[h/d",
            "postgres://u:%ffsecret@h/d?port=z",
            "host=h password=a secret=b",
            "host=h password=secret x",
            "host=h password='secret",
            "postgres://u:secret@h/d?secret",
        ] {
            let why = read(text).expect_err(text);
            assert!(!why.contains("secret"), "{text}: {why}");
        }
    }
}
