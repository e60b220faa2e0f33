//! The container image, by buildah over `packaging/image/Containerfile`: it starts no container, and needs no daemon.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::contents::{Contents, utf8};
use crate::process::{command, output_of, run_prepared};

/// The certificates of CAs, as Debian has them; a server on PostgreSQL and an engine over TLS trust these.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Who there is: the server's user has no name on the machine, and no shell.
const USERS: &str =
    "root:x:0:0:root:/root:/sbin/nologin\nenginehouse:x:65532:65532:Enginehouse:/var/lib/enginehouse:/sbin/nologin\n";
const GROUPS: &str = "root:x:0:\nenginehouse:x:65532:\n";

pub(super) fn make(contents: &Contents, out: &Path) -> Result<Vec<String>> {
    let context = contents.copy_of("packaging/image")?;
    fill(contents, &context.join("root"))?;
    let data = context.join("data");
    fs::create_dir(&data)?;
    fs::set_permissions(&data, Permissions::from_mode(0o700))?;
    let name = format!("enginehouse:{}", contents.version);
    let archive = context.join(format!("enginehouse-{}.docker.tar", contents.version));
    let revision = output_of(&["git", "rev-parse", "HEAD"]).unwrap_or_default();
    let build = [
        "build",
        // Only this one has a health check, and everything that reads OCI reads it.
        "--format=docker",
        "--isolation=chroot",
        &format!("--timestamp={}", contents.epoch),
        &format!("--build-arg=VERSION={}", contents.version),
        &format!("--build-arg=REVISION={}", String::from_utf8_lossy(&revision).trim()),
        &format!("--tag={name}"),
        ".",
    ];
    run_prepared(buildah(contents, &context, &build)?)?;
    let target = format!("docker-archive:{}:{name}", utf8(&archive)?);
    run_prepared(buildah(contents, &context, &["push", &name, &target])?)?;
    // `docker load`, `podman load` and `ctr images import` read it so.
    run_prepared(contents.tool(&context, &["gzip", "--no-name", utf8(&archive)?]))?;
    Ok(vec![contents.copy_to(out, &archive.with_extension("tar.gz"))?])
}

/// buildah with a store of images of its own, which needs nothing of the kernel.
fn buildah(contents: &Contents, context: &Path, arguments: &[&str]) -> Result<std::process::Command> {
    let store = context.parent().context("it is in a folder")?.join("images");
    let (root, run_root) = (store.join("root"), store.join("run"));
    let line = ["buildah", "--storage-driver=vfs", "--root", utf8(&root)?, "--runroot", utf8(&run_root)?];
    let mut buildah = contents.tool(context, &line);
    buildah.args(arguments);
    Ok(buildah)
}

/// All that is in the image.
fn fill(contents: &Contents, root: &Path) -> Result<()> {
    let install = |file: &Path, to: &str| -> Result<()> {
        let target = root.join(to.trim_start_matches('/'));
        fs::create_dir_all(target.parent().context("it is in a folder")?)?;
        fs::copy(file, &target).with_context(|| format!("cannot copy {}", file.display()))?;
        Ok(())
    };
    install(&contents.binary, "/usr/bin/enginehouse")?;
    for library in libraries(&contents.binary)? {
        install(&library, utf8(&library)?)?;
    }
    install(Path::new(CERTIFICATES), CERTIFICATES)?;
    let documents = "/usr/share/doc/enginehouse";
    install(&contents.sbom, &format!("{documents}/enginehouse.cdx.json"))?;
    install(&contents.licenses, &format!("{documents}/THIRD-PARTY-LICENSES.txt"))?;
    for package in ["libc6", "libgcc-s1", "ca-certificates"] {
        let copyright = format!("/usr/share/doc/{package}/copyright");
        let file = fs::canonicalize(&copyright).with_context(|| format!("{copyright} is not there"))?;
        install(&file, &copyright)?;
    }
    fs::write(root.join("etc/passwd"), USERS)?;
    fs::write(root.join("etc/group"), GROUPS)?;
    // Whatever whoever builds it lets others do by default.
    run_prepared(command(&["chmod", "--recursive", "u=rwX,go=rX", utf8(root)?]))?;
    let temporary = root.join("tmp");
    fs::create_dir(&temporary)?;
    fs::set_permissions(&temporary, Permissions::from_mode(0o1777))?;
    Ok(())
}

/// The files that the binary is linked to, the loader that finds them among these.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let printed = String::from_utf8(output_of(&["ldd", utf8(binary)?])?)?;
    Ok(libraries_in(&printed))
}

/// Reads lines such as `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)`.
fn libraries_in(printed: &str) -> Vec<PathBuf> {
    printed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_one_of_the_libraries_and_the_kernel_has_one_of_its_own() {
        let printed = "\tlinux-vdso.so.1 (0x00007f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                       \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found = libraries_in(printed);
        assert_eq!(found, ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
    }
}
