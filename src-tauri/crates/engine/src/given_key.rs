//! The encryption key that a person gives: in the environment, or in a file that the environment names, which is how
//! secrets of containers and credentials of systemd come. Who may read that file is for those to say: a container's are
//! readable by all that is in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::secret::SecretString;

/// The variable that a key is given in.
pub const VARIABLE: &str = "CLAUDE_TOKEN_ENCRYPTION_KEY";
/// The variable that names the file that holds one.
pub const FILE_VARIABLE: &str = "CLAUDE_TOKEN_ENCRYPTION_KEY_FILE";

/// More than any key with its line's end. What is longer is none, and is not read further.
const LONGEST: u64 = 128;

/// Where a key was given, if anywhere. Nothing is read before it is needed.
#[derive(Clone, Debug, Default)]
pub struct GivenKey {
    /// What [`VARIABLE`] holds.
    pub text: Option<SecretString>,
    /// What [`FILE_VARIABLE`] holds.
    pub file: Option<PathBuf>,
}

impl GivenKey {
    /// What this process's environment says. An empty variable says nothing.
    pub fn of_process() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        // What is no text is no key, and is told as one that is malformed.
        let text = variable(VARIABLE).map(|value| SecretString::new(value.to_string_lossy()));
        Self { text, file: variable(FILE_VARIABLE).map(PathBuf::from) }
    }

    /// What was given as a key, with where; it may be none. `None` where nothing was given.
    ///
    /// # Errors
    /// [`NotGiven`]
    pub fn read(&self) -> Result<Option<(SecretString, String)>, NotGiven> {
        match (&self.text, &self.file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(NotGiven::Twice),
            (Some(text), None) => Ok(Some((text.clone(), VARIABLE.to_owned()))),
            (None, Some(path)) => {
                let unreadable = |why: io::Error| NotGiven::Unreadable(path.clone(), why.kind());
                Ok(Some((content(path).map_err(unreadable)?, path.display().to_string())))
            }
        }
    }
}

/// The file's line, without its end.
fn content(path: &Path) -> io::Result<SecretString> {
    // All room at once: what a growing text leaves behind is not wiped.
    let mut text = String::with_capacity(LONGEST as usize);
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    let text = SecretString::new(text);
    Ok(SecretString::new(text.expose().trim_end()))
}

/// Why a key that was given can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// There would be two.
    #[error("A key is given twice: in {VARIABLE} and in {FILE_VARIABLE}.")]
    Twice,
    /// The file is not there, or can't be read.
    #[error("The key's file {}, which {FILE_VARIABLE} names, can't be read: {}.", .0.display(), .1)]
    Unreadable(PathBuf, io::ErrorKind),
}

impl NotGiven {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Twice => "encryption_key_twice",
            Self::Unreadable(..) => "encryption_key_unreadable",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Twice => format!("Take one of the two variables away; {FILE_VARIABLE} is seen by fewer."),
            Self::Unreadable(path, why) => match why {
                io::ErrorKind::NotFound => {
                    format!(
                        "Have the secret mounted there, or correct {FILE_VARIABLE}. No other key is made meanwhile."
                    )
                }
                io::ErrorKind::PermissionDenied => {
                    format!("Let the user that tokenferry runs as read {}.", path.display())
                }
                _ => format!("Have one line in it, the key, and let {FILE_VARIABLE} name it."),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

    fn in_file(content: &[u8]) -> Result<Option<(SecretString, String)>, NotGiven> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, content).unwrap();
        GivenKey { text: None, file: Some(file) }.read()
    }

    #[test]
    fn a_file_holds_one_line() {
        for content in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
            assert_eq!(in_file(content.as_bytes()).unwrap().unwrap().0.expose(), KEY);
        }
        assert!(in_file(b"").unwrap().unwrap().0.is_empty(), "nothing is no key either, and is told as such");
        assert_eq!(in_file(&[0xff; 44]).unwrap_err().code(), "encryption_key_unreadable");
        assert!(in_file(&[b'x'; 4096]).unwrap().unwrap().0.expose().len() < 200);
    }

    #[test]
    fn where_it_is_given_is_told_and_nothing_else() {
        let text = Some(SecretString::new(KEY));
        let given = GivenKey { text: text.clone(), file: None };
        assert_eq!(given.read().unwrap(), Some((SecretString::new(KEY), VARIABLE.to_owned())));
        assert!(GivenKey::default().read().unwrap().is_none());
        let twice = GivenKey { text, file: Some("/nowhere".into()) };
        assert_eq!(twice.read().unwrap_err().code(), "encryption_key_twice");
        let nowhere = GivenKey { text: None, file: Some("/nowhere/key".into()) }.read().unwrap_err();
        assert!(nowhere.to_string().contains("/nowhere/key") && nowhere.fix().contains(FILE_VARIABLE), "{nowhere}");
    }
}
