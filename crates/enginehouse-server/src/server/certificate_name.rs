//! The name that a client's certificate gives it.

use enginehouse_core::access::certificate_name::CertificateName;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The attribute of a subject that is its common name.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The name of whoever has a certificate: its first URI, as SPIFFE has it; without one, its first DNS name; without any, the
/// common name of its subject. None if that is no name that a log can hold, or one that looks like a URI and is none: CAs look
/// less closely at those.
pub(super) fn certificate_name(certificate: &CertificateDer<'_>) -> Option<CertificateName> {
    let certificate = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let names = certificate.get::<SubjectAltName>().ok()?.map(|(_, names)| names.0).unwrap_or_default();
    let uri = names.iter().find_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
        _ => None,
    });
    let dns = || {
        names.iter().find_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
            _ => None,
        })
    };
    let common_name = || {
        let mut attributes = certificate.subject.0.iter().flat_map(|part| part.0.iter());
        let value = &attributes.find(|attribute| attribute.oid == COMMON_NAME)?.value;
        // Whichever string type it is: those in use are ASCII or UTF-8.
        Some(std::str::from_utf8(value.value()).ok()?.to_owned())
    };
    let is_uri = uri.is_some();
    let name: CertificateName = uri.or_else(dns).or_else(common_name)?.parse().ok()?;
    (is_uri || !name.is_uri()).then_some(name)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    /// `names` are given as `uri:…`, `dns:…` and `cn:…`.
    #[track_caller]
    fn check(names: &[&str], want: Option<&str>) {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in names {
            let (kind, name) = name.split_once(':').unwrap();
            match kind {
                "uri" => params.subject_alt_names.push(SanType::URI(name.try_into().unwrap())),
                "dns" => params.subject_alt_names.push(SanType::DnsName(name.try_into().unwrap())),
                _ => params.distinguished_name.push(DnType::CommonName, name),
            }
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(certificate_name(certificate.der()).as_ref().map(CertificateName::as_str), want, "{names:?}");
    }

    #[test]
    fn a_uri_goes_over_a_dns_name_over_the_common_name() {
        check(&["cn:ann", "dns:a.example", "dns:b.example", "uri:spiffe://house/a"], Some("spiffe://house/a"));
        check(&["cn:ann", "dns:A.example", "dns:b.example"], Some("a.example"));
        check(&["cn:Ann Müller"], Some("Ann Müller"));
    }

    #[test]
    fn what_is_no_name_is_none() {
        check(&[], None);
        check(&["cn:"], None);
        check(&["cn:spiffe://house/a"], None);
        check(&["cn:two\nlines"], None);
        check(&["cn: ann"], None);
        check(&[&format!("cn:{}", "x".repeat(256))], None);
        assert_eq!(certificate_name(&CertificateDer::from(&b"nonsense"[..])), None);
    }
}
