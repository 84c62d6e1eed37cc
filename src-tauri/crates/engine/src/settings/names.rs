//! Names as the settings and the command line take them: checked where they come in, so that nobody has to later.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A checked text: how it is made, shown, read and written.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $is_good:expr, $mistake:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// It as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if $is_good(text) { Ok(Self(text.to_owned())) } else { Err($mistake(text)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

checked!(
    /// The user's name for a destination: letters, digits, and `.`, `_`, `-`, at most 64 of them.
    DestinationName,
    |text: &str| is_plain(text) && text.len() <= DestinationName::LONGEST,
    |text: &str| format!("\"{text}\" can't be a destination's name. Use letters, digits, and . _ - , at most {} of them.", DestinationName::LONGEST)
);

checked!(
    /// The name of a Docker volume, as Docker takes it.
    VolumeName,
    is_plain,
    |text: &str| format!("\"{text}\" can't be a volume's name, which has letters, digits, and . _ - . Folders of this machine are no volumes.")
);

checked!(
    /// A folder inside of a volume: relative, names joined by `/`.
    Folder,
    |text: &str| text.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0')),
    |text: &str| format!("\"{text}\" can't be a folder in a volume. Give it from the volume's top, such as home/.claude, without \"..\".")
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
