//! What the command line shows, and what it asks.

mod confirmations;
mod explanations;
mod given;
mod hints;
mod lists;
mod operations;
mod texts;
mod top;
mod tour;
