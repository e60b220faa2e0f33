//! Whether there is a program to run: asked before the first event comes, and not only then.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use enginehouse_server::config::environment;
use rustix::fs::{Access, access};

/// Why a command cannot be started; none if it may be. A program that begins with the name of another one which is missing is
/// found out with the first event.
pub(super) fn missing(command: &OsStr) -> Option<String> {
    if command.as_bytes().contains(&b'/') {
        return unusable(Path::new(command));
    }
    // As the system does: the first file of that name that may be executed.
    let path = environment("PATH")?;
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(command)).filter(|file| file.is_file());
    let Some(first) = found.next() else {
        return Some(format!("there is no program {} in any folder of PATH ({path})", command.display()));
    };
    let why = unusable(&first)?;
    if found.any(|file| unusable(&file).is_none()) { None } else { Some(why) }
}

fn unusable(file: &Path) -> Option<String> {
    let file_name = file.display();
    if let Err(error) = std::fs::metadata(file) {
        return Some(format!("{file_name}: {error}"));
    }
    if !file.is_file() {
        return Some(format!("{file_name} is no file"));
    }
    access(file, Access::EXEC_OK).err().map(|_| format!("{file_name} may not be executed by this user"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_looked_for_as_the_system_does() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        let why = |command: &OsStr| missing(command).unwrap_or_default();
        assert!(why(script.as_os_str()).ends_with("script may not be executed by this user"));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(why(script.as_os_str()), "");
        assert_eq!(why("sh".as_ref()), "");
        assert!(
            why("no-such-program".as_ref()).starts_with("there is no program no-such-program in any folder of PATH")
        );
        assert!(why("./no-such-program".as_ref()).contains("No such file"));
        assert!(why(folder.path().as_os_str()).ends_with("is no file"));
    }
}
