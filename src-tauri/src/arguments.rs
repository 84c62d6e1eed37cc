//! What the app can be started with: a page to show, or a sign-in to begin. A second start hands its arguments to the first.

use engine::account::AccountName;
use page::Page;

/// What `--help` prints.
pub(crate) const USAGE: &str = "Usage: tokenferry-desktop [--page accounts|destinations|add|activity|settings|problems] \
                                [--sign-in [ACCOUNT]] [--tray]";

/// What the app was started for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The page to show.
    pub(crate) page: Option<Page>,
    /// Whom to sign in, once the window is there.
    pub(crate) sign_in: Option<AccountName>,
    /// Be the resident, with an icon, and with no window until one is asked for.
    pub(crate) tray: bool,
}

impl Arguments {
    /// Whether a window is asked for.
    pub(crate) fn want_a_window(&self) -> bool {
        !self.tray || self.page.is_some() || self.sign_in.is_some()
    }
}

/// What is not understood, in a sentence; or nothing where help was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    Help,
    Version,
    Mistake(String),
}

impl Arguments {
    /// Reads what follows the program's name.
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Self, Misread> {
        let mistake = |what: String| Misread::Mistake(what);
        let mut read = Self::default();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => return Err(Misread::Help),
                "--version" | "-V" => return Err(Misread::Version),
                "--page" => {
                    let named = words.next().ok_or_else(|| mistake("--page needs the name of a page.".to_owned()))?;
                    let page = Page::ALL.into_iter().find(|page| page.word() == named);
                    read.page = Some(page.ok_or_else(|| mistake(format!("There is no page {named}.")))?);
                }
                "--sign-in" => {
                    let named = words.next_if(|next| !next.starts_with('-'));
                    read.sign_in = Some(match named {
                        Some(name) => name.parse().map_err(|why| mistake(format!("{why}")))?,
                        None => AccountName::default(),
                    });
                }
                "--tray" => read.tray = true,
                other => return Err(mistake(format!("{other} is not understood."))),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, Misread> {
        Arguments::read(words.iter().map(|&word| word.to_owned()))
    }

    #[test]
    fn a_page_and_a_sign_in_are_named() {
        assert_eq!(read(&[]), Ok(Arguments::default()));
        assert_eq!(read(&["--page", "problems"]).unwrap().page, Some(Page::Problems));
        assert_eq!(read(&["--sign-in"]).unwrap().sign_in, Some(AccountName::default()));
        let both = read(&["--sign-in", "work", "--page", "accounts"]).unwrap();
        assert_eq!((both.page, both.sign_in.unwrap().as_str()), (Some(Page::Accounts), "work"));
        assert_eq!(read(&["--sign-in", "--page", "add"]).unwrap().page, Some(Page::Add));
    }

    #[test]
    fn a_resident_has_no_window_until_one_is_asked_for() {
        for (words, wants) in [
            (&[][..], true),
            (&["--tray"], false),
            (&["--tray", "--page", "add"], true),
            (&["--sign-in", "--tray"], true),
        ] {
            assert_eq!(read(words).unwrap().want_a_window(), wants, "{words:?}");
        }
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        for bad in [&["--page"][..], &["--page", "elsewhere"], &["--sign-in", "a b"], &["page"], &["--pages"]] {
            assert!(matches!(read(bad), Err(Misread::Mistake(_))), "{bad:?}");
        }
        assert_eq!(read(&["--page", "add", "--help"]), Err(Misread::Help));
    }
}
