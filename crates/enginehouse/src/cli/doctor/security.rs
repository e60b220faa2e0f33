//! What lets others in, or keeps everybody out, sooner or later: tokens, certificates, listeners and files.

use std::os::unix::fs::MetadataExt;

use enginehouse_core::access::token::TokenRecord;
use enginehouse_server::advice;
use enginehouse_server::config::{Config, environment};

use super::super::context::file::ContextFile;
use super::super::server_address::TOKEN_FILE_VARIABLE;
use super::super::times;

/// What a person should look after, though nothing is wrong with the store.
pub(super) fn advice(config: &Config, tokens: &[TokenRecord]) -> Vec<String> {
    advice::advice(config, tokens, times::now()).into_iter().chain(of_files()).collect()
}

/// The same for people.
pub(super) fn in_words(advice: &[String]) -> String {
    if advice.is_empty() { "none".to_owned() } else { advice.join("\n") }
}

/// Files of whoever runs this.
fn of_files() -> Vec<String> {
    let token_file = environment(TOKEN_FILE_VARIABLE).filter(|file| !file.is_empty()).and_then(|file| {
        let mode = std::fs::metadata(&file).ok()?.mode() & 0o777;
        (mode & 0o077 != 0).then(|| {
            format!(
                "{file} ({TOKEN_FILE_VARIABLE}) may be read or written by others (mode {mode:03o}): run chmod 600 on it"
            )
        })
    });
    let contexts = ContextFile::of_environment().and_then(|file| file.read()).err();
    token_file.into_iter().chain(contexts).collect()
}
