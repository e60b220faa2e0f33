//! The migrations themselves.

mod texts;
