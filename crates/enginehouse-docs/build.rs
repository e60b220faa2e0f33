//! Makes the pages: copies the documents to where mdBook finds them all, lets it render them, and lists what is to be in the
//! binary.
//!
//! Documents lie in `docs`, and some in the root of the repository, as people look for them there. In the book, `docs` is the
//! root of both, so links between them are written anew.

use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use regex::{Captures, Regex};

/// What is in the root of the repository and in the book.
const OF_THE_ROOT: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT"];
/// The icon of the dashboard is that of the documents, too: without one, browsers ask for `/favicon.ico`.
const ICON: &str = "ui/src/icon.svg";
/// Of the pages, and of the one that shows the calls.
const STYLES: [&str; 2] = ["calls.css", "docs.css"];
const BOOK: &str = r#"
[book]
title = "Enginehouse"
src = "source"
[build]
build-dir = "pages"
[output.html]
theme = "theme"
"#;

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment where it is")]
fn main() -> Result<()> {
    let crate_folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let repository = crate_folder.join("../..").canonicalize()?;
    for input in OF_THE_ROOT.iter().map(|name| repository.join(name)).chain([
        repository.join("docs"),
        repository.join(ICON),
        crate_folder.join("theme"),
    ]) {
        println!("cargo::rerun-if-changed={}", input.display());
    }
    let book = out.join("book");
    if book.exists() {
        fs::remove_dir_all(&book)?;
    }
    let mut sources: Vec<_> = OF_THE_ROOT.iter().map(PathBuf::from).collect();
    find_files(&repository, Path::new("docs"), &mut sources)?;
    for source in &sources {
        let place = book.join("source").join(in_book(source));
        fs::create_dir_all(place.parent().context("a file lies in a folder")?)?;
        if source.extension().is_some_and(|ending| ending == "md") {
            let text = fs::read_to_string(repository.join(source))?;
            fs::write(place, with_links_of_the_book(source, &text, &sources)?)?;
        } else {
            fs::copy(repository.join(source), place)?;
        }
    }
    fs::create_dir_all(book.join("theme"))?;
    fs::copy(crate_folder.join("theme/index.hbs"), book.join("theme/index.hbs"))?;
    let rendered = MDBook::load_with_config(&book, BOOK.parse::<Config>()?).and_then(|book| book.build());
    rendered.context("mdBook does not render the documents")?;
    for style in STYLES {
        fs::copy(crate_folder.join("theme").join(style), book.join("pages").join(style))?;
    }
    fs::copy(repository.join(ICON), book.join("pages/icon.svg"))?;
    fs::write(out.join("pages.rs"), list(&book.join("pages"))?)?;
    Ok(())
}

/// The files of a folder and of those in it, by their paths from the root.
fn find_files(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => find_files(root, &path, found)?,
            false => found.push(path),
        }
    }
    Ok(())
}

/// Where a file of the repository is in the book.
fn in_book(source: &Path) -> &Path {
    source.strip_prefix("docs").unwrap_or(source)
}

/// A document whose links to others lead to where these are in the book.
fn with_links_of_the_book(source: &Path, text: &str, sources: &[PathBuf]) -> Result<String> {
    let links = Regex::new(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")?;
    let folder = source.parent().unwrap_or(Path::new(""));
    let mut missing = Vec::new();
    let text = links.replace_all(text, |link: &Captures<'_>| {
        let (target, heading) = (&link[1], link.get(2).map_or("", |heading| heading.as_str()));
        if target.contains("://") || target.starts_with('/') {
            return link[0].to_owned();
        }
        let target = resolved(&folder.join(target));
        if !sources.contains(&target) {
            missing.push(target.display().to_string());
        }
        let up = in_book(source).components().skip(1).map(|_| "../").collect::<String>();
        let mut target = in_book(&target).to_path_buf();
        // mdBook makes the index of a folder of it, and leaves links as they are. The list of pages names sources.
        if target.ends_with("README.md") && !source.ends_with("SUMMARY.md") {
            target.set_file_name("index.md");
        }
        format!("]({up}{}{heading})", target.display())
    });
    if !missing.is_empty() {
        bail!("{} has links to what is no document: {}", source.display(), missing.join(", "));
    }
    Ok(text.into_owned())
}

/// A path without `..`.
fn resolved(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            Component::ParentDir => _ = whole.pop(),
            part => whole.push(part),
        }
        whole
    })
}

/// The pages and what they show, as Rust. The template names no other file that mdBook writes, such as its scripts.
fn list(pages: &Path) -> Result<String> {
    let mut found = Vec::new();
    find_files(pages, Path::new(""), &mut found)?;
    // By characters, and not by parts of a path: `page` searches for the text.
    found.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    let mut listed = String::from("/// All files of the book, by their paths.\npub static PAGES: &[BookPage] = &[\n");
    // The list of pages names their sources, and their numbers, which tell a page within a chapter.
    let chapters = Regex::new(r#"<li class="chapter ([0-9.]*)"><a href="([^"]*)\.md""#)?;
    for path in found {
        let name = path.to_str().context("documents have names of text")?;
        let content_type = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") if !["404.html", "toc.html"].contains(&name) => "text/html; charset=utf-8",
            Some("css") if STYLES.contains(&name) => "text/css; charset=utf-8",
            Some("svg") if !name.starts_with("favicon") && !name.starts_with("fonts") => "image/svg+xml",
            Some("jpg") => "image/jpeg",
            Some("webp") => "image/webp",
            Some("png") if !name.starts_with("favicon") => "image/png",
            None if OF_THE_ROOT.contains(&name) => "text/plain; charset=utf-8",
            _ => continue,
        };
        let file = pages.join(&path);
        if content_type.starts_with("text/html") {
            let html = fs::read_to_string(&file)?;
            let html = chapters.replace_all(&html, |chapter: &Captures<'_>| {
                let nested = if chapter[1].matches('.').count() > 1 { " nested" } else { "" };
                format!(r#"<li class="chapter{nested}"><a href="{}.html""#, &chapter[2])
            });
            fs::write(&file, html.as_bytes())?;
        }
        writeln!(
            listed,
            "    BookPage {{ path: {name:?}, content_type: {content_type:?}, bytes: include_bytes!({:?}) }},",
            file.display().to_string()
        )?;
    }
    listed.push_str("];\n");
    Ok(listed)
}
