//! Reading what the official CLI prints while it signs in (facts: "Its own sign-in, run by another program").

use url::Url;

use crate::address::is_for_the_browser;

/// The address that it asks to be opened, once it has printed all of it.
pub(super) fn address(printed: &str) -> Option<Url> {
    let mut lines: Vec<&str> = printed.split('\n').collect();
    // The last one may not be whole yet.
    lines.pop();
    lines
        .into_iter()
        .flat_map(str::split_whitespace)
        .find_map(|word| Url::parse(word.trim_matches(|c: char| c.is_control())).ok().filter(is_for_the_browser))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_is_found_when_it_is_whole() {
        let printed =
            "Opening browser to sign in…\nIf it didn't open, visit: https://claude.com/cai/oauth/authorize?code=true";
        assert_eq!(address(printed), None, "more of it may come");
        let printed = format!("{printed}&state=s\nPaste code here if prompted > ");
        assert_eq!(address(&printed).unwrap().as_str(), "https://claude.com/cai/oauth/authorize?code=true&state=s");
    }

    #[test]
    fn other_words_are_no_address() {
        for printed in ["", "\n", "Note: this\n", "http://claude.com/x\n", "file:///etc/passwd\n"] {
            assert_eq!(address(printed), None, "{printed}");
        }
    }
}
