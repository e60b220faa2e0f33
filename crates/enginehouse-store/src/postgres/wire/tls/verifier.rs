//! What a server's certificate must be like.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::der::oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;

use super::files::Roots;

/// Checks what sslmode asks for.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) provider: Arc<CryptoProvider>,
    /// Whom the certificate must come from; none if anybody will do.
    pub(super) roots: Option<Arc<Roots>>,
    /// Whether it must be for the name by which the server is called.
    pub(super) name: bool,
}

impl Verifier {
    fn check_chain(
        &self,
        roots: &Roots,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if roots.certificates.iter().any(|root| root == end_entity) {
            // A server that shows the very certificate that was put into the file, as in PostgreSQL's own example: it
            // need not be signed by anybody else.
            return check_time(end_entity, now);
        }
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots.store, intermediates, now, algorithms)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            self.check_chain(roots, end_entity, intermediates, now)?;
            if self.name {
                check_name(end_entity, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.roots.is_none() {
            // Whoever it is may have made this certificate a moment ago: its signature proves nothing.
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.roots.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn parsed(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = parsed(certificate)?.tbs_certificate.validity;
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// As libpq does: an alternative name must match, and where there are none at all, the common name.
fn check_name(certificate: &CertificateDer<'_>, wanted: &ServerName<'_>) -> Result<(), Error> {
    let by_alternatives = verify_server_name(&ParsedCertificate::try_from(certificate)?, wanted);
    let Err(refusal) = by_alternatives else { return Ok(()) };
    let subject = parsed(certificate)?.tbs_certificate;
    let has_alternatives =
        subject.extensions.iter().flatten().any(|extension| extension.extn_id == ID_CE_SUBJECT_ALT_NAME);
    if has_alternatives {
        return Err(refusal);
    }
    let wanted = wanted.to_str();
    let names = subject.subject.0.iter().flat_map(|part| part.0.iter()).filter(|attribute| attribute.oid == CN);
    let mut names = names.filter_map(|attribute| {
        let text = attribute.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
        text.or_else(|_| attribute.value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()))
            .ok()
    });
    if names.any(|name| is_for(&name, &wanted)) { Ok(()) } else { Err(refusal) }
}

/// Whether a name in a certificate stands for a host: a `*` in front stands for its first part.
fn is_for(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) if domain.contains('.') => {
            host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest.eq_ignore_ascii_case(domain))
        }
        _ => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_part() {
        for (name, host, want) in [
            ("db.example.com", "db.example.com", true),
            ("DB.example.com", "db.EXAMPLE.com", true),
            ("db.example.com", "example.com", false),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.com", "example.com", false),
            ("*", "db", false),
            ("10.0.0.1", "10.0.0.1", true),
        ] {
            assert_eq!(is_for(name, host), want, "{name} for {host}");
        }
    }
}
