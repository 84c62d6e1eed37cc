//! The page and the files are the same words.

use super::{checkout, files};

/// What stands in fences of these kinds is a file; what stands in others is typed.
const KINDS_OF_FILES: [&str; 3] = ["ini", "dockerfile", "yaml"];

#[test]
fn the_page_shows_the_files() {
    let page = std::fs::read_to_string(checkout("docs/servers.md")).expect("the page should be there");
    let mut shown = fences(&page);
    for (name, text) in files() {
        let at = shown.iter().position(|fence| *fence == text);
        shown.remove(at.unwrap_or_else(|| panic!("docs/servers.md does not show setup/server/{name} as it is")));
        assert!(page.contains(&format!("setup/server/{name}")), "docs/servers.md does not say where {name} is");
    }
    assert!(shown.is_empty(), "docs/servers.md shows what is no file of setup/server: {shown:#?}");
}

/// What stands in the fences that are files.
fn fences(page: &str) -> Vec<String> {
    let (mut fences, mut lines) = (Vec::new(), page.lines());
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let fence: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        if KINDS_OF_FILES.contains(&kind) {
            fences.push(fence);
        }
    }
    fences
}
