//! What may stand before a server: it ends TLS, asks for a token, and has the server under a path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where the proxy has the server.
const PREFIX: &str = "/queue";

/// A proxy that runs as long as its runtime does.
#[derive(Debug)]
pub struct TlsProxy {
    /// Where the server is for whoever speaks to the proxy.
    pub url: String,
    /// The certificate to trust.
    pub certificate: PathBuf,
}

impl TlsProxy {
    /// Starts one before the server at `upstream`, which lets nobody through without `token`. Its certificate is put into `folder`.
    ///
    /// # Panics
    /// It does not start.
    pub async fn before(upstream: &str, token: &str, folder: &Path) -> Self {
        let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let certificate = folder.join("ca.pem");
        std::fs::write(&certificate, signed.cert.pem()).expect("the folder is there");
        let key = PrivateKeyDer::from_pem_slice(signed.signing_key.serialize_pem().as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(signed.cert)], key)
            .expect("key and certificate fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("https://localhost:{}{PREFIX}", listener.local_addr().expect("it is bound").port());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let token = format!("authorization: bearer {}", token.to_lowercase());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstream, token) = (acceptor.clone(), upstream.clone(), token.clone());
                // Who does not trust the certificate, or hangs up, has no answer.
                tokio::spawn(async move { pass_on(&acceptor, stream, &upstream, &token).await });
            }
        });
        Self { url, certificate }
    }
}

/// Answers one request, and closes the connection.
async fn pass_on(acceptor: &TlsAcceptor, stream: TcpStream, upstream: &str, token: &str) -> std::io::Result<()> {
    let mut client = BufReader::new(acceptor.accept(stream).await?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lines: Vec<_> = head.lines().map(str::to_lowercase).collect();
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    client.read_exact(&mut body).await?;
    let mut answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\nConnection: close\r\n\r\nnobody".to_vec();
    if lines.iter().any(|line| line == token) {
        let request = head.replacen(PREFIX, "", 1).replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let mut server = TcpStream::connect(upstream).await?;
        server.write_all(request.as_bytes()).await?;
        server.write_all(&body).await?;
        answer.clear();
        server.read_to_end(&mut answer).await?;
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}
