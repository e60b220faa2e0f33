//! The file of contexts: who may read it, how it is read, and how it is replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use enginehouse_core::nearest_name::nearest_name;
use enginehouse_server::config::environment;
use serde::{Deserialize, Serialize};

/// The variable that names the file, if it is not where such files are.
pub(crate) const CONTEXT_FILE_VARIABLE: &str = "ENGINEHOUSE_CONTEXT_FILE";
/// Most bytes of the file.
const MAX_FILE: u64 = 1 << 20;
/// Most characters of a name.
const MAX_NAME: usize = 64;

/// What a person calls a server, with what it takes to speak to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ContextName(String);

impl FromStr for ContextName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        let is_name = (1..=MAX_NAME).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['-', '.']);
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "the name of a context has 1 to {MAX_NAME} letters, digits, hyphens, underscores and dots, and begins with none of `-` and `.`"
        ))
    }
}

impl TryFrom<String> for ContextName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ContextName> for String {
    fn from(name: ContextName) -> Self {
        name.0
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A token as the file keeps it. It is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeptToken(pub(crate) String);

impl fmt::Debug for KeptToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptToken(…)")
    }
}

/// One server, and what to prove oneself with there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedContext {
    pub(crate) url: String,
    /// The file that the token is in. At most one of this and `token` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<KeptToken>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_cert: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_key: Option<PathBuf>,
    /// Whether a person is asked before anything is changed there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) production: bool,
}

/// All contexts of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one that commands use if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<ContextName>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<ContextName, NamedContext>,
}

impl Contexts {
    /// The context of a name, or why there is none: with the name that may be meant.
    pub(crate) fn find(&self, name: &str) -> Result<(&ContextName, &NamedContext), String> {
        let found = self.contexts.iter().find(|(known, _)| known.0 == name);
        found.ok_or_else(|| {
            let known = || self.contexts.keys().map(|known| known.0.as_str());
            let meant = nearest_name(name, known()).map(|meant| format!("did you mean {meant}?"));
            let all = || match self.contexts.is_empty() {
                true => "there are none yet: make one with `enginehouse context add`".to_owned(),
                false => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
            };
            format!("there is no context {name:?}: {}", meant.unwrap_or_else(all))
        })
    }
}

/// Where the contexts are kept.
#[derive(Clone, Debug)]
pub(crate) struct ContextFile(PathBuf);

impl ContextFile {
    /// The file that the environment says: named itself, or in the folder of a person's settings.
    pub(crate) fn of_environment() -> Result<Self, String> {
        let set = |name| environment(name).filter(|value| !value.is_empty());
        if let Some(file) = set(CONTEXT_FILE_VARIABLE) {
            return Ok(Self(file.into()));
        }
        // A relative one is to be ignored, says the XDG Base Directory Specification.
        let xdg = set("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folder = xdg.or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")));
        let folder = folder.ok_or_else(|| {
            format!("nobody knows where contexts are kept: set HOME, XDG_CONFIG_HOME or {CONTEXT_FILE_VARIABLE}")
        })?;
        Ok(Self(folder.join("enginehouse/contexts.toml")))
    }

    /// What the file holds; nothing, if there is none.
    pub(crate) fn read(&self) -> Result<Contexts, String> {
        self.read_text()
            .and_then(|text| text.map_or_else(|| Ok(Contexts::default()), |text| parsed(&text)))
            .map_err(|why| format!("the file of contexts, {}, {why}", self.0.display()))
    }

    fn read_text(&self) -> Result<Option<String>, String> {
        let cannot = |error: std::io::Error| format!("cannot be read: {error}");
        let mut file = match File::open(&self.0) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            opened => opened.map_err(cannot)?,
        };
        let mode = file.metadata().map_err(cannot)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!("may be read or written by others (mode {mode:03o}): run chmod 600 on it"));
        }
        let mut text = String::new();
        Read::by_ref(&mut file).take(MAX_FILE + 1).read_to_string(&mut text).map_err(cannot)?;
        if text.len() as u64 > MAX_FILE {
            return Err(format!("has more than {MAX_FILE} bytes"));
        }
        Ok(Some(text))
    }

    /// Changes what the file holds, all or nothing: one person's two commands at a time do not undo each other.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Contexts) -> Result<T, String>) -> Result<T, String> {
        let cannot =
            |error: std::io::Error| format!("the file of contexts, {}, cannot be written: {error}", self.0.display());
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
        let lock = File::open(folder).map_err(cannot)?;
        lock.lock().map_err(cannot)?;
        if fs::symlink_metadata(&self.0).is_ok_and(|found| found.is_symlink()) {
            return Err(format!(
                "the file of contexts, {}, is a symbolic link, and is not written through it: name the file itself in \
                 {CONTEXT_FILE_VARIABLE}",
                self.0.display()
            ));
        }
        let mut contexts = self.read()?;
        let answer = change(&mut contexts)?;
        let text = toml::to_string(&contexts).map_err(|_| "the contexts cannot be written as TOML".to_owned())?;
        // Made with mode 0600 and a name of its own, so that nobody sees it half-way.
        let mut next = tempfile::Builder::new().prefix(".contexts-").tempfile_in(folder).map_err(cannot)?;
        next.write_all(text.as_bytes()).and_then(|()| next.as_file().sync_all()).map_err(cannot)?;
        next.persist(&self.0).map_err(|error| cannot(error.error))?;
        lock.sync_all().map_err(cannot)?;
        Ok(answer)
    }
}

/// Reads the text. What is wrong is said by its line alone: the line itself may hold a token.
fn parsed(text: &str) -> Result<Contexts, String> {
    let contexts: Contexts = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("is not right in line {line}: see docs/command-line.md for what it holds, or make the context again")
    })?;
    if let Some((name, _)) = contexts.contexts.iter().find(|(_, one)| one.token.is_some() && one.token_file.is_some()) {
        return Err(format!("has both a token and a token_file in context {name}: keep one of them"));
    }
    Ok(contexts)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn with(url: &str) -> NamedContext {
        NamedContext { url: url.to_owned(), ..NamedContext::default() }
    }

    fn add(file: &ContextFile, name: &str, context: NamedContext) -> Result<(), String> {
        file.change(|contexts| {
            contexts.contexts.insert(name.parse()?, context);
            Ok(())
        })
    }

    #[test]
    fn what_is_written_is_read_again_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile(folder.path().join("new/contexts.toml"));
        assert_eq!(file.read(), Ok(Contexts::default()));
        let full = NamedContext {
            token: Some(KeptToken("eh1_planted".to_owned())),
            tls_ca: Some("/ca.pem".into()),
            production: true,
            ..with("https://a.example")
        };
        add(&file, "a", full.clone()).unwrap();
        add(&file, "b.1", with(":7420")).unwrap();
        let read = file.read().unwrap();
        assert_eq!(read.find("a").unwrap().1, &full);
        assert_eq!(read.contexts.len(), 2);
        assert!(!format!("{read:?}").contains("planted"));
        assert_eq!(fs::metadata(&file.0).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("new")).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_that_others_can_read_and_a_symbolic_link_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = ContextFile(folder.path().join("contexts.toml"));
        add(&file, "a", with(":7420")).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&file.0, fs::Permissions::from_mode(mode)).unwrap();
            assert!(file.read().unwrap_err().contains("chmod 600"), "{mode:o}");
            assert!(add(&file, "b", with(":7420")).is_err(), "{mode:o}");
        }
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600)).unwrap();
        let link = ContextFile(folder.path().join("link.toml"));
        symlink(&file.0, &link.0).unwrap();
        let before = fs::read(&file.0).unwrap();
        assert!(link.read().is_ok(), "reading one harms nobody");
        assert!(add(&link, "b", with(":7420")).unwrap_err().contains("symbolic link"));
        assert_eq!(fs::read(&file.0).unwrap(), before);
    }

    #[test]
    fn what_is_wrong_in_the_file_is_said_without_what_stands_there() {
        for (text, want) in [
            ("[contexts.a]\nurl = \":1\"\nproduction = \"eh1_planted\"\n", "line 3"),
            ("[contexts.a]\nurl = \":1\"\ntoken = eh1_planted\n", "line 3"),
            ("[contexts.a]\nurl = \":1\"\ntokn = \"eh1_planted\"\n", "line "),
            (
                "[contexts.a]\nurl = \":1\"\ntoken = \"eh1_planted\"\ntoken_file = \"/f\"\n",
                "both a token and a token_file",
            ),
        ] {
            let refused = parsed(text).unwrap_err();
            assert!(refused.contains(want) && !refused.contains("planted"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_a_near_one() {
        let mut contexts = Contexts::default();
        assert!(contexts.find("prod").unwrap_err().contains("context add"));
        for name in ["production", "staging"] {
            contexts.contexts.insert(name.parse().unwrap(), with(":1"));
        }
        assert!(contexts.find("prodution").unwrap_err().ends_with("did you mean production?"));
        assert!(contexts.find("x").unwrap_err().ends_with("there are production, staging"));
        for name in ["", "-a", ".a", "a b", "é", &"a".repeat(65)] {
            assert!(name.parse::<ContextName>().is_err(), "{name}");
        }
    }
}
