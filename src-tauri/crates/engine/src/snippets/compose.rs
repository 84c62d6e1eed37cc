//! For a file of docker compose.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};

use super::Parts;
use crate::destinations::docker::survey::ACCOUNT_LABEL;
use crate::discovery::AUTH_VOLUME;

/// Words that are no text in YAML.
const RESERVED: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

pub(super) fn text(parts: &Parts<'_>) -> String {
    let Parts { wish, volume, is_there, variable, folder, label } = parts;
    let mut text = String::new();
    let mut line = |line: Arguments<'_>| {
        // A string takes all that is written to it.
        let _ = writeln!(text, "{line}");
    };
    line(format_args!("services:\n  {}:", scalar(wish.service.as_str())));
    if let Some(image) = &wish.image {
        line(format_args!("    image: {}", scalar(image.as_str())));
    }
    line(format_args!("    environment:\n      {variable}: {}", scalar(folder)));
    let mode = if wish.read_only { ":ro" } else { "" };
    line(format_args!("    volumes:\n      - {AUTH_VOLUME}:{}{mode}", wish.mount));
    line(format_args!("volumes:\n  {AUTH_VOLUME}:"));
    if *is_there {
        line(format_args!("    external: true"));
        if *volume != AUTH_VOLUME {
            line(format_args!("    name: {}", scalar(volume)));
        }
    }
    if let Some(account) = label {
        line(format_args!("    labels:\n      {ACCOUNT_LABEL}: {}", scalar(account.as_str())));
    }
    text
}

/// Text as YAML takes it for text, and compose for nothing of its own.
pub(super) fn scalar(text: &str) -> Cow<'_, str> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return Cow::Borrowed(text);
    }
    // YAML takes JSON's way to quote; compose puts variables in place of a single $.
    Cow::Owned(serde_json::Value::from(text.replace('$', "$$")).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_stays_text() {
        assert_eq!(scalar("/claude"), "/claude");
        assert_eq!(scalar("node:22"), "\"node:22\"");
        for other in ["1e3", "No", "12:30", "", "a b", "~"] {
            assert_eq!(scalar(other), format!("\"{other}\""));
        }
        assert_eq!(scalar("/a$HOME\"b"), r#""/a$$HOME\"b""#);
    }
}
