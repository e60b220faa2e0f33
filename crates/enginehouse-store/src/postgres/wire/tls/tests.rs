//! Each mode against a server with TLS, and against one without.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use enginehouse_cluster::Cluster;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::postgres::wire::endpoint::connect_as;

/// A CA.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key, in PEM.
    fn sign(&self, common_name: &str, alternatives: &[&str]) -> (String, String) {
        let names: Vec<_> = alternatives.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server with TLS and rules for its users, and the files of its clients.
struct Server {
    cluster: Cluster,
    folder: TempDir,
}

const RULES: &str = "\
local all all trust
hostnossl all plain_only all trust
hostssl all tls_only all trust
hostssl all certified all cert
hostssl all secretive all scram-sha-256
host all postgres all trust
";

impl Server {
    fn start() -> Self {
        let server = Self { cluster: Cluster::start(), folder: tempfile::tempdir().unwrap() };
        let (ca, other) = (Ca::new("ours"), Ca::new("theirs"));
        server.save("ca.crt", &ca.pem);
        server.save("other.crt", &other.pem);
        for (name, by) in [("certified", &ca), ("stranger", &other)] {
            let (certificate, key) = by.sign("certified", &[]);
            server.save(&format!("{name}.crt"), &certificate);
            server.save(&format!("{name}.key"), &key);
        }
        server.write("root.crt", &ca.pem);
        server.write("pg_hba.conf", RULES);
        for role in ["plain_only login", "tls_only login", "certified login", "secretive login password 'opensesame'"] {
            server.cluster.psql(&format!("create role {role}"));
        }
        server.cluster.psql("alter system set ssl = on");
        server.cluster.psql("alter system set ssl_ca_file = 'root.crt'");
        let (certificate, key) = ca.sign("nobody", &["db.test", "localhost"]);
        server.use_certificate(&certificate, &key);
        server
    }

    /// Writes a file of the client.
    fn save(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Writes a file of the server.
    fn write(&self, name: &str, text: &str) {
        let folder = self.cluster.data_folder();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let owner = fs::metadata(&folder).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    fn use_certificate(&self, certificate: &str, key: &str) {
        self.write("server.crt", certificate);
        self.write("server.key", key);
        self.cluster.restart();
    }

    /// `tls`, `plain` or the error. `@` in the parameters stands for the folder of the client.
    async fn connect(&self, who: &str, parameters: &str) -> String {
        let port = self.cluster.port();
        let folder = format!("{}/", self.folder.path().display());
        let url = format!("postgres://{who}:{port}/postgres?{}", parameters.replace('@', &folder));
        outcome(&url).await.replace(&folder, "")
    }
}

async fn outcome(url: &str) -> String {
    let client = match connect_as("a test", url).await {
        Ok(client) => client,
        Err(why) => return why,
    };
    let row = client.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await.unwrap();
    if row.get(0) { "tls".to_owned() } else { "plain".to_owned() }
}

fn no_rule(user: &str, encryption: &str) -> String {
    format!(
        "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"postgres\", {encryption} \
         (PostgreSQL error 28000)"
    )
}

#[tokio::test]
async fn each_mode_checks_what_it_says() {
    let server = Server::start();
    let wrong_ca = "the server's certificate is not accepted (UnknownIssuer): name the file of its CA with sslrootcert";
    let wrong_name = "the server's certificate is not accepted (certificate not valid for name \"127.0.0.1\"; \
                      certificate is only valid for DnsName(\"db.test\") or DnsName(\"localhost\")): use a host name of \
                      the certificate, or sslmode=verify-ca to check its CA alone";
    for (who, parameters, want) in [
        ("postgres@127.0.0.1", "sslmode=disable", "plain"),
        ("postgres@127.0.0.1", "", "tls"),
        ("postgres@127.0.0.1", "sslmode=require", "tls"),
        ("postgres@127.0.0.1", "sslmode=require&sslnegotiation=postgres", "tls"),
        // There is one attempt. What the server refuses with TLS is not tried without it.
        ("tls_only@127.0.0.1", "sslmode=disable", &no_rule("tls_only", "no encryption")),
        ("tls_only@127.0.0.1", "sslmode=prefer", "tls"),
        ("plain_only@127.0.0.1", "sslmode=disable", "plain"),
        ("plain_only@127.0.0.1", "sslmode=prefer", &no_rule("plain_only", "SSL encryption")),
        // With a password that is bound to the channel.
        ("secretive:opensesame@127.0.0.1", "channel_binding=require", "tls"),
        (
            "secretive:shut@127.0.0.1",
            "",
            "password authentication failed for user \"secretive\" (PostgreSQL error 28P01)",
        ),
        // The CA is checked from `require` on, if it is named; the name of the host by `verify-full` alone.
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=@ca.crt", "tls"),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=@other.crt", wrong_ca),
        ("postgres@127.0.0.1", "sslmode=verify-ca&sslrootcert=@ca.crt", "tls"),
        ("postgres@127.0.0.1", "sslmode=verify-ca&sslrootcert=@other.crt", wrong_ca),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=@ca.crt", "tls"),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=@other.crt", wrong_ca),
        ("postgres@localhost", "sslrootcert=@ca.crt", "tls"),
        ("postgres@127.0.0.1", "sslrootcert=@ca.crt", wrong_name),
        // Files that are missing or wrong.
        (
            "postgres@127.0.0.1",
            "sslmode=require&sslrootcert=/none/ca",
            "/none/ca (sslrootcert) cannot be read: No such file or directory (os error 2)",
        ),
        (
            "postgres@127.0.0.1",
            "sslmode=require&sslrootcert=@certified.key",
            "certified.key (sslrootcert) holds no certificate in PEM",
        ),
        (
            "postgres@127.0.0.1",
            "sslcert=@certified.crt&sslkey=@ca.crt",
            "ca.crt (sslkey) holds no private key in PEM, or an encrypted one: decrypt it",
        ),
        (
            "postgres@127.0.0.1",
            "sslcert=@certified.crt&sslkey=@stranger.key",
            "the certificate (sslcert) and the key (sslkey) do not fit: keys may not be consistent: KeyMismatch",
        ),
        // A client's certificate.
        ("certified@127.0.0.1", "sslcert=@certified.crt&sslkey=@certified.key", "tls"),
        (
            "certified@127.0.0.1",
            "sslmode=require",
            "connection requires a valid client certificate (PostgreSQL error 28000)",
        ),
        (
            "certified@127.0.0.1",
            "sslcert=@stranger.crt&sslkey=@stranger.key",
            "the server does not accept this client's certificate (UnknownCA): name one that its CA has signed with \
             sslcert and sslkey",
        ),
        // Of several servers, the first that can be used.
        ("postgres@127.0.0.1:1,127.0.0.1", "sslmode=require&target_session_attrs=read-write", "tls"),
        (
            "postgres@127.0.0.1",
            "target_session_attrs=read-only",
            "error connecting to server: database is not read only",
        ),
    ] {
        assert_eq!(server.connect(who, parameters).await, want, "{who} {parameters}");
    }
    // The CAs of the system have not signed it; a machine may have none.
    let why = server.connect("postgres@localhost", "sslmode=verify-full").await;
    assert!(why == wrong_ca || why.starts_with("the system has no certificates of CAs"), "{why}");
    let socket = server.cluster.socket_folder().display().to_string().replace('/', "%2F");
    for parameters in ["", "sslmode=require", "sslmode=verify-full&sslrootcert=@ca.crt"] {
        assert_eq!(server.connect(&format!("postgres@{socket}"), parameters).await, "plain", "{parameters}");
    }
    let key = server.folder.path().join("certified.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let why = server.connect("certified@127.0.0.1", "sslcert=@certified.crt&sslkey=@certified.key").await;
    assert_eq!(
        why,
        "certified.key (sslkey) may be read by others: let only its owner read it, as with chmod 600 (it is 644)"
    );

    // Self-signed.
    let own = Ca::new("db.test");
    server.use_certificate(&own.pem, &own.issuer.key().serialize_pem());
    server.save("ca.crt", &own.pem);
    assert_eq!(server.connect("postgres@127.0.0.1", "sslmode=require").await, "tls");
    let why = server.connect("postgres@db.test", "hostaddr=127.0.0.1&sslrootcert=@ca.crt").await;
    assert!(why.contains("CaUsedAsEndEntity") && why.ends_with("be signed by a CA, not be one"), "{why}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let cluster = Cluster::start();
    let url = |mode: &str| format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode={mode}", cluster.port());
    for mode in ["disable", "prefer"] {
        assert_eq!(outcome(&url(mode)).await, "plain");
    }
    assert_eq!(outcome(&url("require")).await, "error performing TLS handshake: server does not support TLS");
}
