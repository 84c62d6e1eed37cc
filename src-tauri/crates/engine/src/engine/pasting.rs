//! The journey of a snippet: which volume it is about.

use super::Engine;
use crate::account::AccountName;
use crate::error::Error;
use crate::snippets::{self, Kind, Snippet, Subject, Wish};

impl Engine {
    /// What to paste for a destination: the named one, else the only one there is, else for a volume that is made with the
    /// container, which Tokenferry finds by its label. `account` is the label's, and may be left out where it is evident.
    ///
    /// # Errors
    /// A name that is no destination's; [`Error::WhichAccount`] where a label is needed.
    pub fn snippet(
        &self,
        kind: Kind,
        named: Option<&str>,
        account: Option<AccountName>,
        wish: &Wish,
    ) -> Result<Snippet, Error> {
        let settings = self.settings()?;
        let destination = match (named, settings.destinations.as_slice()) {
            (Some(name), _) => Some(settings.destination(name)?),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        if let Some(destination) = destination {
            let subject = Subject::of(destination).ok_or_else(|| Error::NoVolume(destination.name.clone()))?;
            return Ok(snippets::snippet(kind, subject, wish));
        }
        let account = match self.account(account) {
            // A container may be made before anybody has signed in.
            Err(Error::NoAccount(name)) => name,
            found => found?,
        };
        Ok(snippets::snippet(kind, Subject::Labelled(&account), wish))
    }
}
