//! Names as the settings and the command line take them: checked where they come in, so that nobody has to later.

use crate::words::word;

word!(
    /// The user's name for a destination: letters, digits, and `.`, `_`, `-`, at most 64 of them.
    DestinationName,
    |word| is_plain(word) && word.len() <= DestinationName::LONGEST,
    format!("a destination's name. Use letters, digits, and . _ - , at most {} of them.", DestinationName::LONGEST)
);

word!(
    /// The name of a Docker volume, as Docker takes it.
    VolumeName,
    is_plain,
    "a volume's name, which has letters, digits, and . _ - . Folders of this machine are no volumes."
);

word!(
    /// A folder inside of a volume: relative, names joined by `/`.
    Folder,
    |word| word.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0')),
    "a folder in a volume. Give it from the volume's top, such as home/.claude, without \"..\"."
);

impl DestinationName {
    /// The longest that there may be, in characters.
    pub(crate) const LONGEST: usize = 64;
}

fn is_plain(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_no_path_and_no_query() {
        for good in ["claude-auth", "app_claude-auth", "0.1"] {
            good.parse::<VolumeName>().unwrap();
        }
        for bad in ["", "/etc", "a/b", "a?b", "-a", "../x", "ä"] {
            bad.parse::<VolumeName>().unwrap_err();
        }
    }

    #[test]
    fn a_folder_stays_inside() {
        for good in [".claude", "home/.claude"] {
            good.parse::<Folder>().unwrap();
        }
        for bad in ["", "/", "/home", "a/", "a//b", "..", "a/../../b", "."] {
            bad.parse::<Folder>().unwrap_err();
        }
    }
}
