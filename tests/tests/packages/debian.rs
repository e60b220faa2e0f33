//! The package for Debian: installed by apt on top of this machine, with every change kept apart and thrown away.

use std::fs;
use std::process::{Command, Stdio};

use enginehouse_tests::{text, without_variables};

use super::given::{a_first_event_is_done_by, commands, must, package_named, packages, shell};

/// Puts what this machine has below, and a layer that takes every change above it; then does the rest in there. What the package
/// has changed is what the layer holds.
const LAYERED: &str = r#"
mount -t tmpfs tmpfs layers
mkdir layers/changes layers/work layers/system
mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/layers/changes,workdir=$PWD/layers/work" layers/system
mount --rbind /dev layers/system/dev
mount -t proc proc layers/system/proc
mkdir layers/system/packages
cp "$PACKAGES"/enginehouse_*.deb layers/system/packages
# No service manager runs in there.
printf '#!/bin/sh\nexit 101\n' > layers/system/usr/sbin/policy-rc.d
chmod +x layers/system/usr/sbin/policy-rc.d
chroot layers/system bash -c "$INSIDE" 
echo left behind:
cd layers/changes
find . -path '*enginehouse*' -not -path './packages/*' -not -path './tmp/*' -not -path './var/log/*' -not -path './var/cache/*' -not -type c | sort
"#;

/// Starts the service as its unit says, since no service manager does it here.
const AS_THE_UNIT_SAYS: &str = r#"
sudo() { "$@"; }
unit=/lib/systemd/system/enginehouse.service
setting() { sed -n "s/^$1=//p" "$unit"; }
serve() {
    install -d -m "$(setting StateDirectoryMode)" -o enginehouse -g enginehouse "/var/lib/$(setting StateDirectory)"
    cd "$(setting WorkingDirectory)"
    exec setpriv --reuid="$(setting User)" --regid="$(setting Group)" --clear-groups --no-new-privs --bounding-set=-all \
        env $(cat "$(setting EnvironmentFile | sed s/^-//)") $(setting ExecStart)
}
enginehouse() { if [ "$1" = serve ]; then serve; else command enginehouse "$@"; fi; }
"#;

/// What is looked at between the first event and the end.
const INSTALLED: &str = r#"
test "$(stat -c %U:%a /var/lib/enginehouse /var/lib/enginehouse/enginehouse.db | xargs)" = 'enginehouse:700 enginehouse:600'
for page in '' -serve -engine-run; do zcat "/usr/share/man/man1/enginehouse$page.1.gz" | grep '\.TH enginehouse' > pages; done
( . /usr/share/bash-completion/completions/enginehouse && complete -p enginehouse > completes )
test -s /usr/share/zsh/vendor-completions/_enginehouse -a -s /usr/share/fish/vendor_completions.d/enginehouse.fish
zcat /usr/share/doc/enginehouse/THIRD-PARTY-LICENSES.txt.gz | grep 'Permission is hereby granted' > licences
grep -q '"bomFormat": "CycloneDX"' /usr/share/doc/enginehouse/enginehouse.cdx.json
enginehouse config --config /etc/enginehouse/enginehouse.toml > /dev/null
systemd-analyze verify --man=no "$unit"
systemd-analyze security --offline=true --threshold=15 --no-pager enginehouse.service > exposure || { cat exposure; exit 1; }
tail -1 exposure
for job in $(jobs -p | tac); do kill $job && wait $job || true; done
"#;

#[test]
fn a_debian_package_is_installed_serves_and_is_purged() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("layers")).unwrap();
    let parts = commands("Debian and Ubuntu");
    let (install, purge) = parts.split_once('\n').unwrap();
    a_first_event_is_done_by("Debian", &format!("{install}\n"), |script, variables| {
        let (install, event) = script.split_once('\n').unwrap();
        let lines = |before: &str| variables.iter().map(|(name, value)| format!("{before}{name}={value}\n")).collect();
        let (secrets, exports): (String, String) = (lines(""), lines("export "));
        let inside = format!(
            "set -euo pipefail\ncd /packages\n{AS_THE_UNIT_SAYS}\n{install}\n\
             printf '{secrets}' | install -m 600 /dev/stdin /etc/enginehouse/environment\n\
             {exports}\n{event}\n{INSTALLED}\n{purge}"
        );
        let mut apart = Command::new("unshare");
        apart.args([
            "--mount",
            "--propagation=private",
            "--pid",
            "--fork",
            "--kill-child",
            "bash",
            "-euo",
            "pipefail",
            "-c",
            LAYERED,
        ]);
        without_variables(&mut apart);
        apart.env("INSIDE", inside).env("PACKAGES", packages()).env("DEBIAN_FRONTEND", "noninteractive");
        let output = apart.current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
        let said = must(&output, "the package");
        let left = text(&output.stdout);
        let left: Vec<_> = left.split_once("left behind:\n").expect("it is purged").1.lines().collect();
        assert!(left.contains(&"./var/lib/enginehouse/enginehouse.db"), "its data are gone: {said}");
        let others: Vec<_> = left.iter().filter(|path| !path.starts_with("./var/lib/enginehouse")).collect();
        assert!(others.is_empty(), "{others:?}: {said}");
        said
    });
}

/// The same package with a small program for the binary and a few of its manual pages: lintian looks at each for so long.
const SMALLER: &str = r#"
dpkg-deb --raw-extract "$PACKAGE" smaller
cp /usr/bin/wc smaller/usr/bin/enginehouse
find smaller/usr/share/man -type f -not -name 'enginehouse.1.gz' -not -name 'enginehouse-s*' -delete
cd smaller
find usr lib -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums
cd ..
dpkg-deb --root-owner-group --build smaller .
lintian --fail-on=error,warning enginehouse_*.deb
"#;

#[test]
fn debian_has_nothing_to_say_against_the_package() {
    let folder = tempfile::tempdir().unwrap();
    // A complaint that is overridden has its reason beside it, in `enginehouse.lintian-overrides`.
    let mut look = shell(SMALLER, folder.path());
    look.env("PACKAGE", package_named("enginehouse_", ".deb"));
    let said = must(&look.output().unwrap(), "lintian");
    let complaints: Vec<_> = said.lines().filter(|line| line.starts_with("E: ") || line.starts_with("W: ")).collect();
    assert_eq!(complaints, [""; 0]);
}
