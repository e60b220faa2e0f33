//! Where the server listens, and what it shows of itself there.

use std::path::PathBuf;

use crate::config::setting::Setting;

pub(super) const LISTENER: &[Setting] = &[
    Setting {
        name: "listen",
        about: "Address and port on which HTTP is served, or `unix:/PATH` for a socket in the file system. Port 0 takes a free one. A socket speaks no TLS: whoever may open its file (`socket_mode`) may call. The file is made at the start, in place of one that nobody listens on any more, and removed at the end. An address that other machines can reach needs TLS (`tls_cert`, `tls_key`) and at least one access token, or one of the two settings below.",
        placeholder: "ADDRESS:PORT|unix:/PATH",
        set: |config, value| {
            config.listen = value.parse()?;
            Ok(())
        },
        get: |config| config.listen.to_string(),
    },
    Setting {
        name: "metrics_listen",
        about: "Another address and port, or `unix:/PATH`, for `/metrics`, `/healthz` and `/readyz` alone: then `/metrics` is not where calls are, and a scrape needs none of their connections (`max_connections`). What holds for `listen` holds here, TLS included.",
        placeholder: "ADDRESS:PORT",
        set: |config, value| {
            config.metrics_listen = Some(value.parse()?);
            Ok(())
        },
        get: |config| config.metrics_listen.as_ref().map_or_else(String::new, ToString::to_string),
    },
    Setting {
        name: "socket_mode",
        about: "Who may open a Unix socket that is listened on: the permissions of its file, in octal, 600 to 777. `660` lets a group in as well, such as that of a proxy.",
        placeholder: "MODE",
        set: |config, value| {
            let mode = u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o777 && *mode & 0o600 == 0o600);
            config.socket_mode = mode.ok_or("must be permissions in octal, such as 600, 660 or 666")?;
            Ok(())
        },
        get: |config| format!("{:o}", config.socket_mode),
    },
    Setting {
        name: "insecure_transport",
        about: "Whether other machines may reach the server although it speaks no TLS: for a proxy in front of it that does. Callers still have to show a token.",
        placeholder: "BOOL",
        set: |config, value| {
            config.insecure_transport = value.parse().map_err(|_| "must be true or false".to_owned())?;
            Ok(())
        },
        get: |config| config.insecure_transport.to_string(),
    },
    Setting {
        name: "insecure",
        about: "Whether other machines may reach the server although nobody has to show a token, and whether it speaks TLS or not: anybody who reaches the port may do everything.",
        placeholder: "BOOL",
        set: |config, value| {
            config.insecure = value.parse().map_err(|_| "must be true or false".to_owned())?;
            Ok(())
        },
        get: |config| config.insecure.to_string(),
    },
    Setting {
        name: "allowed_hosts",
        about: "By which names requests may call the server besides its addresses and `localhost`: host names and addresses without ports, separated by commas, or `*` for any. A request that names another host is answered with 421 `misdirected_request`, so that no web page that points a name of its own at this machine can use it. Needed behind a proxy that passes `Host` on, for a name in the DNS, and for a published port of a container; `*` is for a proxy that looks at it itself.",
        placeholder: "HOSTS",
        set: |config, value| {
            config.allowed_hosts = value.parse()?;
            Ok(())
        },
        get: |config| config.allowed_hosts.to_string(),
    },
    Setting {
        name: "tls_cert",
        about: "The file of the server's certificate, in PEM: its own first, then those of the CAs in between. With it and `tls_key` the server speaks TLS 1.2 and 1.3, and no plain HTTP. The files are read again within seconds after they have changed, without a restart; if they cannot be used then, the last ones stay in force, and the log and `enginehouse_tls_reload_failed` say so. See [TLS](tls.md).",
        placeholder: "FILE",
        set: |config, value| file(&mut config.tls_cert, value),
        get: |config| shown(&config.tls_cert),
    },
    Setting {
        name: "tls_key",
        about: "The file of the private key that `tls_cert` belongs to, in PEM and not encrypted. Its owner alone may be able to read it, or, if that is root, also a group.",
        placeholder: "FILE",
        set: |config, value| file(&mut config.tls_key, value),
        get: |config| shown(&config.tls_key),
    },
    Setting {
        name: "tls_client_ca",
        about: "A file of certificates of CAs, in PEM. Clients are asked for a certificate, and one that these CAs have signed names who calls: by its first URI, or else its first DNS name, or else the common name of its subject. The access log shows it as `principal`, and an access token may be bound to it (`token create --certificate-name`). A client without a certificate is served as before; one whose certificate these CAs have not signed, or has no name, is not. Read again when it changes, as `tls_cert` is. See [TLS](tls.md#certificates-of-clients).",
        placeholder: "FILE",
        set: |config, value| file(&mut config.tls_client_ca, value),
        get: |config| shown(&config.tls_client_ca),
    },
    Setting {
        name: "trusted_proxies",
        about: "The addresses and networks of proxies, such as `127.0.0.1,10.0.0.0/8`, separated by commas, whose word is taken for who calls: of `X-Forwarded-For` or `Forwarded`, the last address that is none of theirs counts as the client's, in the access log and for its shares of bodies, answers and streams. `unix` stands for one that calls by way of a Unix socket. Nobody else's is believed, and neither header if they name different clients. Connections are the proxy's. None by default.",
        placeholder: "NETWORKS",
        set: |config, value| {
            config.trusted_proxies = value.parse()?;
            Ok(())
        },
        get: |config| config.trusted_proxies.to_string(),
    },
];

fn file(into: &mut Option<PathBuf>, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("must be the path of a file".to_owned());
    }
    *into = Some(value.into());
    Ok(())
}

fn shown(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or_else(String::new, |path| path.display().to_string())
}
