//! How a page or an answer refers to another one of the server. A proxy may put the server below a path and tell it nothing of
//! that, so every reference begins with the way up from the address at which it is read.

/// The way from a path up to where the server is: `./` or `../../`.
pub(super) fn way_up(path: &str) -> String {
    match path.matches('/').count().saturating_sub(1) {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_of_a_path_is_left() {
        for (path, want) in [
            ("/", "./"),
            ("/docs", "./"),
            ("/docs/", "../"),
            ("/docs/adr/index.html", "../../"),
            ("/events/a%2Fb", "../"),
            ("/docs//", "../../"),
        ] {
            assert_eq!(way_up(path), want, "{path}");
        }
    }
}
