//! Consent: Anthropic's own programs get a token once a place is approved of, others after a person was told the terms.

use super::Engine;
use crate::account::AccountName;
use crate::error::Error;
use crate::formats::Format;

/// What a person is told, in two sentences (facts: "Terms").
pub const TERMS: &str = "Anthropic's terms keep the sign-ins of Free, Pro and Max plans for Claude Code and Anthropic's own \
                         applications. What reads this format is none of these, so whether your plan allows it is between \
                         you and Anthropic.";

impl Engine {
    /// Whether a person has to be asked before this account's token goes into this format.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn needs_consent(&self, account: &AccountName, format: Format) -> Result<bool, Error> {
        Ok(!format.is_official() && !self.journal.is_consented(account)?)
    }

    /// Remembers that a person was told the [`TERMS`] and agreed.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn consent(&self, account: &AccountName) -> Result<(), Error> {
        Ok(self.journal.consent(account, self.clock.now())?)
    }
}
