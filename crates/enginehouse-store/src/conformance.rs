//! The promises of [`Store`](crate::Store), as tests that every implementation must pass unchanged.
