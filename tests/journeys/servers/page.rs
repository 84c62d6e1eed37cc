//! The pages and the files are the same words.

use super::{checkout, files};

/// What stands in fences of these kinds is a file; what stands in others is typed.
const KINDS_OF_FILES: [&str; 4] = ["ini", "dockerfile", "yaml", "nginx"];

/// The pages, and which of the files each shows.
const PAGES: [(&str, &[&str]); 2] = [
    ("docs/servers.md", &["tokenferry-user.service", "tokenferry.service", "serve.conf", "Dockerfile", "compose.yaml"]),
    ("docs/proxy.md", &["nginx.conf", "traefik.yaml", "compose.litellm.yaml", "litellm.yaml"]),
];

#[test]
fn the_pages_show_the_files() {
    let mut files = files();
    for (page, names) in PAGES {
        let text = std::fs::read_to_string(checkout(page)).expect("the page should be there");
        let mut shown = fences(&text);
        for name in names {
            let content = files.remove(*name).unwrap_or_else(|| panic!("setup/server has no {name}"));
            let at = shown.iter().position(|fence| *fence == content);
            shown.remove(at.unwrap_or_else(|| panic!("{page} does not show setup/server/{name} as it is")));
            assert!(text.contains(&format!("setup/server/{name}")), "{page} does not say where {name} is");
        }
        assert!(shown.is_empty(), "{page} shows what is no file of setup/server: {shown:#?}");
    }
    assert!(files.is_empty(), "no page shows {:?}", files.keys());
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
