//! Who calls, and what they may do.
//!
//! A **token** is what a caller proves itself with: [`secret`] is its text, [`token`] what is kept of it. It has a role, which is
//! a set of permissions ([`role`]), and selectors, which say on what ([`selector`]); it may be bound to addresses ([`network`]),
//! and may be the name in a certificate ([`certificate_name`]) instead of a text. The
//! [`principal`] is who calls, once that is known; every check asks it. A browser proves itself with a [`browser_session`] that was
//! made of a token.
//!
//! What is not permitted is refused. Where one may not even know that something is there, it is as if it were not.

pub mod browser_session;
pub mod certificate_name;
pub mod event_token;
pub mod network;
pub mod principal;
pub mod role;
pub mod secret;
pub mod selector;
pub mod session;
pub mod token;
