//! Addresses for messages: whatever may be a password is left out.
//!
//! An address is shown in an error just when it is wrong, so that one cannot rely on where a password ought to stand: it may hold an
//! `@` that should have been written `%40`, or stand in the place of a port because the host was forgotten. So nothing is shown but
//! what cannot be one.

/// What stands for a password.
const HIDDEN: &str = "***";

/// The parameters whose values are shown.
const SHOWN_PARAMETERS: [&str; 20] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "user",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "application_name",
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

/// An address for messages, with stars in place of a password. Text that is no address is shown, unless it looks as if a password were
/// in it.
pub fn without_password(address: &str) -> String {
    match address.split_once("://") {
        // Other parts of a file's name are nobody's secret.
        Some(("sqlite", _)) => address.to_owned(),
        Some((scheme, rest)) => format!("{scheme}://{}", shown_place(rest)),
        None if may_hold_password(address) => HIDDEN.to_owned(),
        None => address.to_owned(),
    }
}

/// Such as `host=db password=hunter2`, or an address whose scheme is missing.
fn may_hold_password(text: &str) -> bool {
    let has_keywords = text.contains('=') && text.contains(char::is_whitespace);
    let text = text.to_ascii_lowercase();
    has_keywords || text.contains('@') || ["pass", "pwd", "secret", "token"].iter().any(|word| text.contains(word))
}

/// What follows the scheme: `USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS`.
fn shown_place(rest: &str) -> String {
    // Whatever the characters before the last @ are, they may belong to a password.
    let (who, rest) = rest.rsplit_once('@').map_or((None, rest), |(who, rest)| (Some(who), rest));
    if who.is_some_and(|who| who.contains('=')) {
        // The @ is in a parameter, and what follows it may be the rest of a password.
        return HIDDEN.to_owned();
    }
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, all)| (place, Some(all)));
    let (hosts, path) = place.find('/').map_or((place, ""), |slash| place.split_at(slash));
    let hosts: Vec<_> = hosts.split(',').map(shown_host).collect();
    // Parameters without the question mark before them.
    let path = if path.contains('=') { HIDDEN } else { path };
    let mut shown = format!("{}{}{path}", who.map_or_else(String::new, shown_user), hosts.join(","));
    if let Some(parameters) = parameters {
        let parameters: Vec<_> = parameters.split('&').map(shown_parameter).collect();
        shown = format!("{shown}?{}", parameters.join("&"));
    }
    shown
}

fn shown_user(who: &str) -> String {
    match who.find([':', '@', '/', '?', '#']) {
        Some(end) => format!("{}:{HIDDEN}@", &who[..end]),
        None => format!("{who}@"),
    }
}

/// A port is a number. What stands there and is none is a password whose host was forgotten.
fn shown_host(host: &str) -> String {
    // An IPv6 address has colons of its own, in brackets.
    let begin = host.rfind(']').unwrap_or(0);
    match host[begin..].find(':').map(|colon| host.split_at(begin + colon)) {
        Some((name, port)) if !port[1..].bytes().all(|byte| byte.is_ascii_digit()) => format!("{name}:{HIDDEN}"),
        _ if host.contains(['=', '&', ' ']) => HIDDEN.to_owned(),
        _ => host.to_owned(),
    }
}

/// What is not known may be the end of a password with an `&` in it.
fn shown_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => parameter.to_owned(),
        Some((name @ ("password" | "sslpassword" | "options"), _)) => format!("{name}={HIDDEN}"),
        _ if parameter.is_empty() => String::new(),
        _ => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_left_out() {
        for (address, want) in [
            ("postgres://ann:hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann@h1:1,h2:2/d?sslmode=require", "postgres://ann@h1:1,h2:2/d?sslmode=require"),
            ("postgres://ann:hunter2@[::1]:5432/d", "postgres://ann:***@[::1]:5432/d"),
            ("postgres://[::1]/d", "postgres://[::1]/d"),
            ("postgres://%2Frun/d", "postgres://%2Frun/d"),
            ("postgres://ann:p@hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann:p/hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann:p?hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann:p#hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann:p:hunter2@h/d", "postgres://ann:***@h/d"),
            ("postgres://ann:hunter2", "postgres://ann:***"),
            ("postgres://ann:hunter2/d", "postgres://ann:***/d"),
            ("postgres://ann:hunter2,h/d", "postgres://ann:***,h/d"),
            ("postgres://x:port/", "postgres://x:***/"),
            ("postgres://h/d?password=hunter2&user=ann", "postgres://h/d?password=***&user=ann"),
            ("postgres://h/d?password=p&hunter2", "postgres://h/d?password=***&***"),
            ("postgres://h/d?password=p&hunter2=x", "postgres://h/d?password=***&***"),
            ("postgres://h/d?pasword=hunter2", "postgres://h/d?***"),
            ("postgres://h/d?sslpassword=hunter2", "postgres://h/d?sslpassword=***"),
            ("pstgres://ann:hunter2@h/d", "pstgres://ann:***@h/d"),
            ("http://ann:hunter2@h:7420", "http://ann:***@h:7420"),
            ("host=h user=ann password=hunter2", "***"),
            ("host=h PASSWORD = 'hunter2'", "***"),
            ("postgres://h/d&password=hunter2", "postgres://h***"),
            ("postgres://h/d?user=@ann&password=hunter2", "postgres://***"),
            ("postgres://h/d?password=@hunter2", "postgres://***"),
            ("host=h assword=hunter2", "***"),
            ("info,enginehouse_server=debug", "info,enginehouse_server=debug"),
            ("postgres:/ann:hunter2@h/d", "***"),
            ("ann:hunter2@h/d", "***"),
            ("sqlite:///var/lib/a@b.db", "sqlite:///var/lib/a@b.db"),
            ("mysql://x", "mysql://x"),
            ("enginehouse.db", "enginehouse.db"),
            ("0.0.0.0:port", "0.0.0.0:port"),
            ("", ""),
        ] {
            assert_eq!(without_password(address), want, "{address}");
        }
    }
}
