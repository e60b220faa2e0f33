//! What callers prove themselves with.

use std::borrow::Cow;

use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::role::Role;
use enginehouse_core::access::secret::{Accessor, SecretHash};
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::access::token::{PreviousSecret, TokenRecord};
use enginehouse_core::ids::TokenName;
use enginehouse_core::input::read_json;
use enginehouse_core::time::Timestamp;

use super::column::{Unexpected, columns, json_text};
use crate::rows::TokenUse;

columns! {
    pub(crate) struct TokenColumns<'a> {
        accessor: Cow<'a, Accessor> as Text,
        name: Cow<'a, TokenName> as Text,
        role: Role as Text,
        reads_payloads: bool as Boolean,
        selectors: Cow<'a, str> as Json,
        allowed_addresses: Cow<'a, str> as Json,
        certificate_name: Option<Cow<'a, CertificateName>> as Text,
        secret_sha256: [u8; 32] as Bytes,
        previous_sha256: Option<[u8; 32]> as Bytes,
        previous_expires_at: Option<Timestamp> as Time,
        previous_last_used_at: Option<Timestamp> as Time,
        created_at: Timestamp as Time,
        created_by: Cow<'a, str> as Text,
        not_before: Option<Timestamp> as Time,
        expires_at: Timestamp as Time,
        last_used_at: Option<Timestamp> as Time,
        rotated_at: Option<Timestamp> as Time,
        revoked_at: Option<Timestamp> as Time,
        revoked_by: Option<Cow<'a, str>> as Text,
    }
}

impl<'a> TokenColumns<'a> {
    pub(crate) fn of(token: &'a TokenRecord) -> Self {
        let TokenRecord {
            accessor,
            name,
            role,
            reads_payloads,
            selectors,
            allowed_addresses,
            certificate_name,
            secret,
            previous,
            created_at,
            created_by,
            not_before,
            expires_at,
            last_used_at,
            rotated_at,
            revoked_at,
            revoked_by,
        } = token;
        Self {
            accessor: Cow::Borrowed(accessor),
            name: Cow::Borrowed(name),
            role: *role,
            reads_payloads: *reads_payloads,
            selectors: json_text(selectors),
            allowed_addresses: json_text(allowed_addresses),
            certificate_name: certificate_name.as_ref().map(Cow::Borrowed),
            secret_sha256: *secret.as_bytes(),
            previous_sha256: previous.map(|previous| *previous.secret.as_bytes()),
            previous_expires_at: previous.map(|previous| previous.expires_at),
            previous_last_used_at: previous.and_then(|previous| previous.last_used_at),
            created_at: *created_at,
            created_by: Cow::Borrowed(created_by),
            not_before: *not_before,
            expires_at: *expires_at,
            last_used_at: *last_used_at,
            rotated_at: *rotated_at,
            revoked_at: *revoked_at,
            revoked_by: revoked_by.as_deref().map(Cow::Borrowed),
        }
    }

    /// Selectors and addresses that cannot be read must not become none, which would limit nothing.
    pub(crate) fn into_token(self) -> Result<TokenRecord, Unexpected> {
        let previous = self.previous_sha256.zip(self.previous_expires_at).map(|(secret, expires_at)| PreviousSecret {
            secret: SecretHash::from_bytes(secret),
            expires_at,
            last_used_at: self.previous_last_used_at,
        });
        let selectors = read_json(self.selectors.as_bytes(), Selectors::read);
        let allowed_addresses = serde_json::from_str(&self.allowed_addresses);
        Ok(TokenRecord {
            accessor: self.accessor.into_owned(),
            name: self.name.into_owned(),
            role: self.role,
            reads_payloads: self.reads_payloads,
            selectors: selectors.map_err(|_| Unexpected::new("selectors", "not selectors"))?,
            allowed_addresses: allowed_addresses.map_err(|_| Unexpected::new("allowed_addresses", "not networks"))?,
            certificate_name: self.certificate_name.map(Cow::into_owned),
            secret: SecretHash::from_bytes(self.secret_sha256),
            previous,
            created_at: self.created_at,
            created_by: self.created_by.into_owned(),
            not_before: self.not_before,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            rotated_at: self.rotated_at,
            revoked_at: self.revoked_at,
            revoked_by: self.revoked_by.map(Cow::into_owned),
        })
    }
}

columns! {
    /// When a secret was used.
    pub(crate) struct TokenUseColumns<'a> {
        accessor: Cow<'a, Accessor> as Text,
        secret_sha256: [u8; 32] as Bytes,
        used_at: Timestamp as Time,
    }
}

impl<'a> TokenUseColumns<'a> {
    pub(crate) fn of(used: &'a TokenUse) -> Self {
        let TokenUse { accessor, secret, at } = used;
        Self { accessor: Cow::Borrowed(accessor), secret_sha256: *secret.as_bytes(), used_at: *at }
    }
}
