//! What the command line shows, and what it asks.

mod confirmations;
mod given;
mod hints;
mod lists;
mod texts;
