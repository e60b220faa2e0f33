//! How an engine is called that nobody has given a name.

use std::hash::{BuildHasher, Hasher, RandomState};

use enginehouse_core::ids::EngineId;

/// A name that no other process has, on this machine or another: of the machine, of the process, and a random number.
pub fn own_name() -> EngineId {
    let host = rustix::system::uname();
    let random = RandomState::new().build_hasher().finish() & 0xffff;
    let host = host.nodename().to_string_lossy();
    let name = format!("{}-{}-{random:04x}", plain(&host, 100), std::process::id());
    name.parse().unwrap_or_else(|_| unreachable!("plain words joined by dashes are a name"))
}

/// A text as a part of a name: other letters become dashes, and `engine` stands for a text without any that is allowed.
pub fn plain(text: &str, max: usize) -> String {
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() || "._:-".contains(letter) { letter } else { '-' };
    let text: String =
        text.chars().map(allowed).skip_while(|letter| !letter.is_ascii_alphanumeric()).take(max).collect();
    if text.is_empty() { "engine".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_has_a_name_of_its_own() {
        assert_ne!(own_name(), own_name());
        for (text, name) in [("sim 7", "sim-7"), ("..", "engine"), ("日本", "engine"), ("_a", "a")] {
            assert_eq!(plain(text, 100), name);
        }
        assert_eq!(plain("abcdef", 3), "abc");
    }
}
