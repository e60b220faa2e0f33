//! Tables and numbers as Markdown.

use crate::measurement::Spread;

/// A table; columns but the first are numbers.
pub(super) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<_> = (0..head.len()).map(|column| if column == 0 { "---" } else { "--:" }.to_owned()).collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{}{rows}", line(head), line(&rule))
}

/// A number with as many digits as say something, and commas between thousands.
pub(super) fn number(value: f64) -> String {
    if value.abs() < 9.995 {
        return format!("{value:.2}");
    }
    if value.abs() < 99.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The median, and from where to where the rounds reach.
pub(super) fn spread(of: Option<Spread>) -> String {
    match of {
        None => "-".to_owned(),
        Some(Spread { median, least, most }) if least == most => number(median),
        Some(Spread { median, least, most }) => {
            format!("{} ({}-{})", number(median), number(least), number(most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_rule_under_its_head() {
        let text = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            table(&text(&["class", "rate"]), &[text(&["a", "1"]), text(&["b", "2"])]),
            "| class | rate |\n| --- | --: |\n| a | 1 |\n| b | 2 |\n"
        );
    }

    #[test]
    fn a_number_has_three_digits_that_count() {
        let numbers = [0.456, 9.994, 9.996, 45.67, 123.4, 1_234.5, 1_234_567.0].map(number);
        assert_eq!(numbers, ["0.46", "9.99", "10.0", "45.7", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn a_spread_of_one_round_is_a_number() {
        let of = |figures: &[f64]| spread(Spread::of(figures));
        assert_eq!(of(&[]), "-");
        assert_eq!(of(&[2.0]), "2.00");
        assert_eq!(of(&[1.0, 2.0, 4.0]), "2.00 (1.00-4.00)");
    }
}
