//! What somebody may have meant who misspelt a name.

/// How many letters may be wrong, swapped, missing or too many.
const MAX_MISTAKES: usize = 2;

/// The known name that is nearest to `name`, if it is near enough.
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // In a short name, two mistakes make another name.
    let most = MAX_MISTAKES.min(name.chars().count() / 3);
    let distances = known.into_iter().map(|one| (strsim::damerau_levenshtein(name, one), one));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_or_two_are_seen_through() {
        let known = ["render", "encode", "ab"];
        for (name, nearest) in [
            ("rendre", Some("render")),
            ("rende", Some("render")),
            ("enncodd", Some("encode")),
            ("compress", None),
            ("ac", None),
            ("", None),
        ] {
            assert_eq!(nearest_name(name, known), nearest, "{name}");
        }
    }
}
