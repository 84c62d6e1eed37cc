//! What a face needs to tell a person in time: when something has changed, and what was told before.

use jiff::Timestamp;

use super::Engine;
use crate::changes::Changes;
use crate::error::Error;

impl Engine {
    /// Notices within a second what another process or a person changed: the journal, the settings, docker's contexts.
    /// Each last change is told twice, so that it may be looked at once.
    pub fn changes(&self) -> Changes {
        Changes::of(&self.home, self.delivery.docker_settings()).twice()
    }

    /// Whether a person is told this for the first time, of the end or the episode at `about`; it is remembered, for every
    /// process and beyond a restart. Ends that differ by less than 12 hours are the same one.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn first_time(&self, what: &str, about: Timestamp) -> Result<bool, Error> {
        Ok(self.journal.first_time(what, about)?)
    }
}
