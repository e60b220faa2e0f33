//! Text that is safe to show on a terminal.

/// A text without what would make a terminal do more than show it.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}
