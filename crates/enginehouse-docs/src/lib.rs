//! The documents of the repository as pages of HTML, in the binary: what the server shows under `/docs`.
//!
//! They are made when this crate is built (`build.rs`), by mdBook and a template of our own without a script, so that a
//! browser may be told to run none. Nothing in them needs the internet.

/// A file of the book.
#[derive(Clone, Copy, Debug)]
pub struct BookPage {
    /// Where it is, from the book's root: `adr/index.html`.
    pub path: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The file at a path from the book's root. A folder is its `index.html`, and the source of a page, `.md`, the page.
#[must_use]
pub fn page(path: &str) -> Option<&'static BookPage> {
    let path = match path {
        "" => "index.html".to_owned(),
        folder if folder.ends_with('/') => format!("{folder}index.html"),
        path => path.strip_suffix(".md").map_or_else(|| path.to_owned(), |stem| format!("{stem}.html")),
    };
    PAGES.binary_search_by_key(&path.as_str(), |page| page.path).ok().map(|place| &PAGES[place])
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::path::{Component, Path, PathBuf};

    use super::*;

    /// What the server has beside the book, from the book's root.
    const OF_THE_SERVER: [&str; 2] = ["api/", "../openapi.json"];

    fn text(page: &BookPage) -> &'static str {
        std::str::from_utf8(page.bytes).expect("pages are UTF-8")
    }

    /// The values of an attribute in a page.
    fn values<'a>(html: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
        let begins = format!(" {attribute}=\"");
        let rests = html.split(&begins).skip(1).collect::<Vec<_>>();
        rests.into_iter().map(|rest| rest.split('"').next().expect("attributes end"))
    }

    /// A path without `..`.
    fn resolved(path: &Path) -> PathBuf {
        path.components().fold(PathBuf::new(), |mut whole, part| {
            match part {
                Component::ParentDir => assert!(whole.pop(), "{} leaves the book", path.display()),
                part => whole.push(part),
            }
            whole
        })
    }

    #[test]
    fn every_link_leads_to_a_page_and_to_a_heading_that_is_there() {
        let headings: HashMap<_, HashSet<_>> = PAGES
            .iter()
            .filter(|page| page.path.ends_with(".html"))
            .map(|page| (page.path, values(text(page), "id").collect()))
            .collect();
        let mut wrong = Vec::new();
        for (path, own) in &headings {
            let html = text(page(path).unwrap());
            let up = "../".repeat(path.matches('/').count());
            for link in values(html, "href").chain(values(html, "src")) {
                let is_of_the_server = OF_THE_SERVER.iter().any(|of_it| link.strip_prefix(&up) == Some(of_it));
                if is_of_the_server || link.contains("://") {
                    continue;
                }
                // A proxy may put the server below a path.
                if link.starts_with('/') {
                    wrong.push(format!("{path}: {link}"));
                    continue;
                }
                let (target, heading) =
                    link.split_once('#').map_or((link, None), |(target, heading)| (target, Some(heading)));
                let there = match target {
                    "" => Some(own),
                    target => {
                        let target = resolved(&Path::new(path).parent().unwrap().join(target));
                        let found = PAGES.iter().find(|page| Path::new(page.path) == target);
                        if found.is_none() {
                            wrong.push(format!("{path}: {link}"));
                            continue;
                        }
                        found.and_then(|page| headings.get(page.path))
                    }
                };
                if let (Some(heading), Some(there)) = (heading, there)
                    && !there.contains(heading)
                {
                    wrong.push(format!("{path}: {link}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(headings.len() > 50, "{}", headings.len());
    }

    #[test]
    fn every_document_is_a_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = entry.strip_prefix(&root).unwrap().to_str().unwrap().replace("README", "index");
                if entry.is_dir() {
                    folders.push(entry);
                } else if name.ends_with(".md") && name != "SUMMARY.md" {
                    assert!(page(&name).is_some(), "docs/SUMMARY.md does not name {name}");
                }
            }
        }
    }

    #[test]
    fn pictures_of_the_dashboard_are_shown_and_small() {
        let pictures: Vec<_> = PAGES.iter().filter(|page| page.path.starts_with("pictures/")).collect();
        assert!(pictures.len() >= 8, "{}", pictures.len());
        let shown: HashSet<_> = PAGES
            .iter()
            .filter(|page| page.path.ends_with(".html"))
            .flat_map(|page| values(text(page), "src").map(|source| source.trim_start_matches("../")))
            .collect();
        for picture in &pictures {
            assert_eq!(picture.content_type, "image/webp", "{}", picture.path);
            assert!(shown.contains(picture.path), "no document shows {}", picture.path);
        }
        // They are in the binary.
        let bytes: usize = pictures.iter().map(|picture| picture.bytes.len()).sum();
        assert!(bytes < 1_000_000, "{bytes} bytes");
    }

    #[test]
    fn pages_run_nothing_and_load_nothing_from_elsewhere() {
        for page in PAGES.iter().filter(|page| page.path.ends_with(".html")) {
            let html = text(page);
            assert!(!html.contains("<script"), "{}", page.path);
            assert!(values(html, "src").all(|source| !source.contains("//")), "{}", page.path);
        }
    }

    #[test]
    fn a_folder_and_the_source_of_a_page_are_the_page() {
        let path = |asked| page(asked).map(|page| page.path);
        assert_eq!(path(""), Some("index.html"));
        assert_eq!(path("adr/"), Some("adr/index.html"));
        assert_eq!(path("http-api.md"), Some("http-api.html"));
        assert_eq!(path("docs.css"), Some("docs.css"));
        assert_eq!(path("../Cargo.toml"), None);
        assert_eq!(page("docs.css").unwrap().content_type, "text/css; charset=utf-8");
    }
}
