//! Each mode against a server with TLS, and against one without.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use enginehouse_cluster::Cluster;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::files::Files;
use super::*;
use crate::postgres::wire::failure::said;

/// Somebody who signs certificates.
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

/// A server with TLS that lets users in by rules of their own, and what a client needs to connect to it.
struct Server {
    cluster: Cluster,
    folder: TempDir,
}

const RULES: &str = "\
hostnossl all plain_only all trust
hostssl all tls_only all trust
hostssl all certified all cert
hostssl all secretive all scram-sha-256
host all postgres all trust
";

impl Server {
    fn start() -> Self {
        let cluster = Cluster::start_with(&[("log_connections", "on")]);
        let folder = tempfile::tempdir().unwrap();
        let (ca, other) = (Ca::new("ours"), Ca::new("theirs"));
        let save = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        };
        save("ca.crt", &ca.pem);
        save("other.crt", &other.pem);
        for (name, by) in [("certified", &ca), ("stranger", &other)] {
            let (certificate, key) = by.sign("certified", &[]);
            save(&format!("{name}.crt"), &certificate);
            save(&format!("{name}.key"), &key);
        }
        let server = Self { cluster, folder };
        let (certificate, key) = ca.sign("nobody", &["db.test", "localhost"]);
        server.write("root.crt", &ca.pem);
        server.write("pg_hba.conf", RULES);
        for user in ["plain_only", "tls_only", "certified"] {
            server.cluster.psql(&format!("create role {user} login"));
        }
        server.cluster.psql("create role secretive login password 'opensesame'");
        server.cluster.psql("alter system set ssl = on");
        server.cluster.psql("alter system set ssl_ca_file = 'root.crt'");
        server.show(&certificate, &key);
        server
    }

    /// A file in the server's folder that it can read.
    fn write(&self, name: &str, text: &str) {
        let folder = self.cluster.data_folder();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let owner = fs::metadata(&folder).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Has it show another certificate from now on.
    fn show(&self, certificate: &str, key: &str) {
        self.write("server.crt", certificate);
        self.write("server.key", key);
        self.cluster.restart();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `who` and the parameters of a connection, with `ca` and the like for the names of files.
    async fn connect(&self, who: &str, parameters: &str) -> String {
        let mut url = format!("postgres://{who}:{}/postgres?{parameters}", self.cluster.port());
        for name in ["ca.crt", "other.crt", "certified.crt", "certified.key", "stranger.crt", "stranger.key"] {
            url = url.replace(&format!("={name}"), &format!("={}", self.path(name).display()));
        }
        outcome(&url, None)
            .await
            .replace(&format!(":{}", self.cluster.port()), "")
            .replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// `tls` or `plain`, or what went wrong.
async fn outcome(url: &str, folder: Option<&Path>) -> String {
    let (config, asked) = parameters::read(url).unwrap();
    let tls = Tls { mode: asked.mode, files: Files::in_folder(&asked, folder.map(Path::to_owned)) };
    let (client, connection) = match connect(&config, &tls).await {
        Ok(connected) => connected,
        Err(error) => return said(&error),
    };
    tokio::spawn(connection);
    let row = client.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await.unwrap();
    if row.get(0) { "tls".to_owned() } else { "plain".to_owned() }
}

#[tokio::test]
async fn each_mode_does_what_libpq_does() {
    let server = Server::start();
    let no_ca = "needs the certificate of a CA: name its file with sslrootcert, put it into ~/.postgresql/root.crt, \
                 or take those whom the system trusts with sslrootcert=system";
    let wrong_ca =
        "the certificate of db.test comes from nobody in other.crt: name the file of its CA with sslrootcert";
    let wrong_name = "the certificate of 127.0.0.1 is not for that name but for DnsName(\"db.test\"), \
                      DnsName(\"localhost\"): call the server as its certificate does, or check the CA alone with \
                      sslmode=verify-ca";
    let no_rule = |user: &str, how: &str| {
        format!(
            "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"postgres\", {how} \
             (PostgreSQL error 28000)"
        )
    };
    let no_plain = |user: &str| no_rule(user, "no encryption");
    let no_tls = |user: &str| no_rule(user, "SSL encryption");
    for (who, parameters, want) in [
        ("postgres@127.0.0.1", "sslmode=disable", "plain".to_owned()),
        ("postgres@127.0.0.1", "sslmode=allow", "plain".to_owned()),
        ("postgres@127.0.0.1", "", "tls".to_owned()),
        ("postgres@127.0.0.1", "sslmode=require", "tls".to_owned()),
        ("postgres@127.0.0.1", "sslmode=verify-ca", format!("sslmode=verify-ca {no_ca}")),
        ("postgres@127.0.0.1", "sslmode=verify-full", format!("sslmode=verify-full {no_ca}")),
        // The rules of the server decide which of the two attempts counts.
        ("tls_only@127.0.0.1", "sslmode=disable", no_plain("tls_only")),
        ("tls_only@127.0.0.1", "sslmode=allow", "tls".to_owned()),
        ("tls_only@127.0.0.1", "sslmode=prefer", "tls".to_owned()),
        ("plain_only@127.0.0.1", "sslmode=allow", "plain".to_owned()),
        ("plain_only@127.0.0.1", "sslmode=prefer", "plain".to_owned()),
        ("plain_only@127.0.0.1", "sslmode=require", no_tls("plain_only")),
        ("nobody@127.0.0.1", "sslmode=prefer", no_tls("nobody")),
        // By TLS with a password, bound to the channel.
        ("secretive:opensesame@127.0.0.1", "channel_binding=require", "tls".to_owned()),
        (
            "secretive:shut@127.0.0.1",
            "",
            "password authentication failed for user \"secretive\" (PostgreSQL error 28P01)".to_owned(),
        ),
        // The CA counts from `require` on, the name for `verify-full` alone.
        ("postgres@db.test", "hostaddr=127.0.0.1&sslrootcert=other.crt", "tls".to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=ca.crt", "tls".to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=require&sslrootcert=other.crt", wrong_ca.to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert=ca.crt", "tls".to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert=other.crt", wrong_ca.to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ca.crt", "tls".to_owned()),
        ("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=other.crt", wrong_ca.to_owned()),
        ("postgres@localhost", "sslmode=verify-full&sslrootcert=ca.crt", "tls".to_owned()),
        ("postgres@127.0.0.1", "sslmode=verify-ca&sslrootcert=ca.crt", "tls".to_owned()),
        ("postgres@127.0.0.1", "sslmode=verify-full&sslrootcert=ca.crt", wrong_name.to_owned()),
        // An address in place of a name.
        ("postgres@", "hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert=ca.crt", "tls".to_owned()),
        // Files that are not there, or are something else.
        (
            "postgres@127.0.0.1",
            "sslmode=require&sslrootcert=/none/ca",
            "/none/ca (sslrootcert) cannot be read: No such file or directory (os error 2)".to_owned(),
        ),
        (
            "postgres@127.0.0.1",
            "sslmode=require&sslrootcert=certified.key",
            "certified.key (sslrootcert) holds no certificate in PEM".to_owned(),
        ),
        (
            "postgres@127.0.0.1",
            "sslcert=certified.crt",
            "there is no key for the certificate certified.crt: name it with sslkey, or put it into \
             ~/.postgresql/postgresql.key"
                .to_owned(),
        ),
        (
            "postgres@127.0.0.1",
            "sslcert=certified.crt&sslkey=stranger.key",
            "the certificate (sslcert) and the key (sslkey) do not fit: keys may not be consistent: KeyMismatch".to_owned(),
        ),
        // A client's certificate.
        ("certified@127.0.0.1", "sslmode=require&sslcert=certified.crt&sslkey=certified.key", "tls".to_owned()),
        (
            "certified@127.0.0.1",
            "sslmode=require",
            "connection requires a valid client certificate (PostgreSQL error 28000)".to_owned(),
        ),
        (
            "certified@127.0.0.1",
            "sslmode=require&sslcert=stranger.crt&sslkey=stranger.key",
            "127.0.0.1 does not accept this client's certificate (UnknownCA): name one from its CA with sslcert and sslkey"
                .to_owned(),
        ),
    ] {
        assert_eq!(server.connect(who, parameters).await, want, "{who} {parameters}");
    }

    // A socket is never protected, whatever is asked for.
    let socket = server.cluster.socket_folder().display().to_string().replace('/', "%2F");
    server.write("pg_hba.conf", &format!("local all all trust\n{RULES}"));
    server.cluster.psql("select pg_reload_conf()");
    for mode in ["disable", "prefer", "require", "verify-full&sslrootcert=ca.crt"] {
        assert_eq!(server.connect(&format!("postgres@{socket}"), &format!("sslmode={mode}")).await, "plain", "{mode}");
    }

    // Of several servers the first that lets us in counts, each by its own rules.
    let nobody = format!("tls_only@127.0.0.1:1,127.0.0.1:{},127.0.0.1", server.cluster.port());
    assert_eq!(server.connect(&nobody, "sslmode=allow&target_session_attrs=read-write").await, "tls");
    let why = server.connect("postgres@127.0.0.1", "target_session_attrs=read-only").await;
    assert_eq!(why, "error connecting to server: database is not read only");

    // Self-signed, as in PostgreSQL's own example: with a common name alone, and known by being the same.
    let own = Ca::new("db.test");
    server.show(&own.pem, &own.issuer.key().serialize_pem());
    fs::write(server.path("ca.crt"), &own.pem).unwrap();
    let verified = "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ca.crt";
    assert_eq!(server.connect("postgres@db.test", verified).await, "tls");
    let why = server.connect("postgres@db.test", "hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert=other.crt").await;
    assert!(why.contains("is self-signed, and not in other.crt"), "{why}");
    let why = server.connect("postgres@other.test", verified).await;
    assert!(why.starts_with("the certificate of other.test is not for that name: call the server as"), "{why}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let cluster = Cluster::start();
    let place = format!("127.0.0.1:{}", cluster.port());
    for mode in ["disable", "allow", "prefer"] {
        assert_eq!(outcome(&format!("postgres://postgres@{place}/postgres?sslmode={mode}"), None).await, "plain");
    }
    assert_eq!(
        outcome(&format!("postgres://postgres@{place}/postgres?sslmode=require"), None).await,
        format!("{place} has no TLS, which sslmode=require asks for: turn `ssl` on there, or set sslmode=prefer")
    );
}

#[tokio::test]
async fn what_lies_in_the_users_folder_is_found() {
    let server = Server::start();
    let home = tempfile::tempdir().unwrap();
    let url = |who: &str, mode: &str| {
        format!("postgres://{who}@db.test:{}/postgres?hostaddr=127.0.0.1&sslmode={mode}", server.cluster.port())
    };
    let put = |from: &str, to: &str| {
        fs::copy(server.path(from), home.path().join(to)).unwrap();
    };
    assert_eq!(outcome(&url("postgres", "require"), Some(home.path())).await, "tls");

    // With a CA there, `require` is `verify-ca`.
    put("other.crt", "root.crt");
    let why = outcome(&url("postgres", "require"), Some(home.path())).await;
    assert!(why.contains("comes from nobody in ~/.postgresql/root.crt"), "{why}");
    assert_eq!(outcome(&url("postgres", "prefer"), Some(home.path())).await, "tls");
    put("ca.crt", "root.crt");
    assert_eq!(outcome(&url("postgres", "verify-full"), Some(home.path())).await, "tls");

    put("certified.crt", "postgresql.crt");
    put("certified.key", "postgresql.key");
    assert_eq!(outcome(&url("certified", "require"), Some(home.path())).await, "tls");
    let key = home.path().join("postgresql.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(
        outcome(&url("certified", "prefer"), Some(home.path())).await,
        format!(
            "{} (sslkey) may be read by others: let only its owner read it, as with chmod 600 (it is 644)",
            key.display()
        )
    );
    fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n").unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let why = outcome(&url("certified", "require"), Some(home.path())).await;
    assert!(why.contains("(sslkey) is encrypted: decrypt it"), "{why}");
}

#[test]
fn a_host_alone_keeps_everything_else() {
    let url = "postgres://u:p@h:5433/d?sslmode=require&hostaddr=10.0.0.1&options=-ca=b&application_name=x\
               &sslnegotiation=direct&connect_timeout=3&tcp_user_timeout=4&keepalives=0&keepalives_idle=5\
               &keepalives_interval=6&keepalives_retries=7&target_session_attrs=read-only&channel_binding=require\
               &load_balance_hosts=random";
    let (config, _) = parse(url).unwrap();
    // As tokio-postgres alone would have read it.
    let whole: Config = url.parse().unwrap();
    assert_eq!(places(&config)[0].alone(&config, SslMode::Require), whole);
    for odd in ["postgres://a:1,b:2/?port=3", "host=a,b hostaddr=10.0.0.1"] {
        assert_eq!(places(&parse(odd).unwrap().0).len(), 0, "{odd}");
    }
}
