//! Words for a POSIX shell, in lines that are printed for a person to run.

use std::borrow::Cow;

/// A word as it has to be written so that a shell takes it as it is.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_it_is_quoted() {
        assert_eq!(word("claude-auth:/root/.claude"), "claude-auth:/root/.claude");
        assert_eq!(word(""), "''");
        assert_eq!(word("my files"), "'my files'");
        assert_eq!(word("$(it's)"), r"'$(it'\''s)'");
    }
}
