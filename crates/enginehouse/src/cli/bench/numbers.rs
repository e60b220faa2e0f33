//! Numbers as people read them.

/// With a comma between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate, with a digit behind the point where it is small.
pub(super) fn per_second(rate: f64) -> String {
    // A cast cuts, and a rate is neither negative nor beyond 64 bits.
    if rate < 100.0 { format!("{rate:.1}/s") } else { format!("{}/s", thousands(rate.round() as u64)) }
}

/// Milliseconds, with the three digits that a histogram keeps.
pub(super) fn milliseconds(number: f64) -> String {
    match number {
        ..1.0 => format!("{number:.3}"),
        1.0..10.0 => format!("{number:.2}"),
        10.0..100.0 => format!("{number:.1}"),
        _ => thousands(number.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_in_groups() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")]
        {
            assert_eq!(thousands(number), text);
        }
        for (number, text) in [(0.042, "0.042"), (4.2, "4.20"), (42.0, "42.0"), (4_200.4, "4,200")] {
            assert_eq!(milliseconds(number), text);
        }
        assert_eq!(per_second(0.5), "0.5/s");
        assert_eq!(per_second(12_345.6), "12,346/s");
    }
}
