//! Words that a person gives for a snippet, checked where they come in, so that they mean the same wherever they are put.

use crate::words::word;

word!(
    /// An image, as Docker names them: letters, digits, and `. _ - / : @`.
    ImageName,
    |word| is_made_of(word, "._-/:@") && word.starts_with(|c: char| c.is_ascii_alphanumeric()),
    "an image. Give it as docker takes it, such as node:22."
);

word!(
    /// A service of compose: letters, digits, and `. _ -`.
    ServiceName,
    |word| is_made_of(word, "._-"),
    "a service. Use letters, digits, and . _ - ."
);

word!(
    /// A folder in a container where something is mounted. Without what means something in a mount's own words.
    MountPoint,
    |word| {
        let is_name = |part: &str| is_made_of(part, "._-@+") && !part.trim_matches('.').is_empty();
        word.strip_prefix('/').is_some_and(|path| path.split('/').all(is_name))
    },
    "a place to mount at. Give a whole path without special characters, such as /claude."
);

impl Default for ServiceName {
    fn default() -> Self {
        Self("app".to_owned())
    }
}

impl Default for MountPoint {
    fn default() -> Self {
        Self("/claude".to_owned())
    }
}

fn is_made_of(word: &str, others: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_elsewhere_is_refused() {
        for good in ["/claude", "/home/node/.claude", "/a.b/c-d_e@f+g"] {
            good.parse::<MountPoint>().unwrap();
        }
        for bad in ["", "/", "claude", "/a:b", "/a,b", "/a/../b", "/$HOME", "/a b", "/a/", "//a", "/.", "/a\nb"] {
            bad.parse::<MountPoint>().unwrap_err();
        }
        for bad in ["", "-it", "a b", "$X", "a;b"] {
            bad.parse::<ImageName>().unwrap_err();
        }
        "registry.example:5000/a/b@sha256:0a".parse::<ImageName>().unwrap();
        "a b".parse::<ServiceName>().unwrap_err();
    }
}
