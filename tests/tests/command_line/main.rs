//! What the command line shows, and what it asks.

mod confirmations;
mod explanations;
mod given;
mod health;
mod hints;
mod lists;
mod manual_pages;
mod operations;
mod texts;
mod top;
mod tour;
