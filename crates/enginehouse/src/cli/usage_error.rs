//! Help, and what clap says about a command line that it does not understand: without the passwords that stand in it.
//!
//! Clap echoes what it was given: an argument that is one too many or has a wrong value, and in help the value of a variable. A
//! command line that failed is in the log of whatever started it.

use std::io::Write;
use std::process::ExitCode;

use enginehouse_server::config::environment;
use enginehouse_store::postgres::without_password;

/// Variables whose values help shows, and that may hold the address of something.
const VARIABLES: [&str; 2] = ["ENGINEHOUSE_URL", "ENGINEHOUSE_CONFIG"];

/// Shows it, and answers how the process ends.
pub(crate) fn show(error: &clap::Error) -> ExitCode {
    let given: Vec<_> = std::env::args().skip(1).chain(VARIABLES.iter().filter_map(|name| environment(name))).collect();
    let plain = error.render().to_string();
    let shown = hidden(&plain, &given);
    if shown == plain {
        // With its colours, if there may be any.
        let _ = error.print();
    } else if error.use_stderr() {
        let _ = std::io::stderr().write_all(shown.as_bytes());
    } else {
        let _ = std::io::stdout().write_all(shown.as_bytes());
    }
    u8::try_from(error.exit_code()).unwrap_or(u8::MAX).into()
}

/// The text without the passwords of what was given.
fn hidden(text: &str, given: &[String]) -> String {
    let mut text = text.to_owned();
    for argument in given {
        // `--store=postgres://…` is shown as the flag and its value.
        let value = argument.split_once('=').filter(|(flag, _)| flag.starts_with('-')).map(|(_, value)| value);
        for part in [Some(argument.as_str()), value].into_iter().flatten() {
            let shown = without_password(part);
            if shown != part {
                text = text.replace(part, &shown);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_shown_without_its_passwords() {
        for (argument, echoed, want) in [
            ("postgres://ann:hunter2@h/d", "'postgres://ann:hunter2@h/d'", "'postgres://ann:***@h/d'"),
            ("--url=http://ann:hunter2@h", "'http://ann:hunter2@h' for", "'http://ann:***@h' for"),
            ("password=hunter2", "'password=hunter2'", "'***'"),
            ("--priority=99", "'99' for", "'99' for"),
            ("render.frame", "'render.frame'", "'render.frame'"),
        ] {
            assert_eq!(hidden(echoed, &[argument.to_owned()]), want);
        }
    }
}
