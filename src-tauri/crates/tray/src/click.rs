//! What a click in the menu, or on a notice's button, asks for; also as a word, for menus that know their items by one.

use std::fmt;
use std::str::FromStr;

/// A page of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Page {
    Accounts,
    Destinations,
    Add,
    Activity,
    Settings,
    Problems,
}

impl Page {
    const ALL: [Self; 6] =
        [Self::Accounts, Self::Destinations, Self::Add, Self::Activity, Self::Settings, Self::Problems];

    /// Its word, as in `tokenferry-desktop --page`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Destinations => "destinations",
            Self::Add => "add",
            Self::Activity => "activity",
            Self::Settings => "settings",
            Self::Problems => "problems",
        }
    }
}

/// What a click asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Click {
    /// Sign in: anew to this account, or to one that is chosen in the window.
    SignIn(Option<String>),
    /// Deliver to all destinations.
    Sync,
    /// Renew this account's token.
    Renew(String),
    /// Show the window as it is.
    Open,
    /// Show this page of the window.
    Show(Page),
    /// Start at login, or no more.
    StartAtLogin(bool),
    /// Deliver nothing by itself, or do again.
    Pause(bool),
    /// End, after what is under way.
    Quit,
}

impl fmt::Display for Click {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(None) => f.write_str("sign-in"),
            Self::SignIn(Some(account)) => write!(f, "sign-in:{account}"),
            Self::Sync => f.write_str("sync"),
            Self::Renew(account) => write!(f, "renew:{account}"),
            Self::Open => f.write_str("open"),
            Self::Show(page) => write!(f, "show:{}", page.word()),
            Self::StartAtLogin(on) => write!(f, "start-at-login:{on}"),
            Self::Pause(on) => write!(f, "pause:{on}"),
            Self::Quit => f.write_str("quit"),
        }
    }
}

/// No click has this word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoClick;

impl FromStr for Click {
    type Err = NoClick;

    fn from_str(word: &str) -> Result<Self, NoClick> {
        let (word, of) = word.split_once(':').map_or((word, None), |(word, of)| (word, Some(of)));
        let turned = || of.and_then(|of| of.parse().ok()).ok_or(NoClick);
        Ok(match (word, of) {
            ("sign-in", of) => Self::SignIn(of.map(str::to_owned)),
            ("sync", None) => Self::Sync,
            ("renew", Some(account)) => Self::Renew(account.to_owned()),
            ("open", None) => Self::Open,
            ("show", Some(of)) => Self::Show(Page::ALL.into_iter().find(|page| page.word() == of).ok_or(NoClick)?),
            ("start-at-login", _) => Self::StartAtLogin(turned()?),
            ("pause", _) => Self::Pause(turned()?),
            ("quit", None) => Self::Quit,
            _ => return Err(NoClick),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_click_is_known_by_its_word() {
        let named = || Some("ada@practice.example".to_owned());
        let pages = Page::ALL.into_iter().map(Click::Show);
        let others = [
            Click::SignIn(None),
            Click::SignIn(named()),
            Click::Sync,
            Click::Renew("work".to_owned()),
            Click::Open,
            Click::StartAtLogin(true),
            Click::Pause(false),
            Click::Quit,
        ];
        for click in pages.chain(others) {
            assert_eq!(click.to_string().parse(), Ok(click.clone()), "{click}");
        }
        for word in ["", "show:nothing", "pause", "pause:perhaps", "renew", "quit:now"] {
            assert_eq!(word.parse::<Click>(), Err(NoClick), "{word}");
        }
    }
}
