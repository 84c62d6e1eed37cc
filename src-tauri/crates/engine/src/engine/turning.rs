//! What a person turns on and off in the settings.

use super::Engine;
use crate::error::Error;
use crate::settings::{self, Switch};
use crate::vault::lock;

impl Engine {
    /// Turns a switch of the settings on or off; every process takes it over within a second.
    ///
    /// # Errors
    /// [`Error::Settings`]; the lock's.
    pub async fn turn(&self, switch: Switch, on: bool) -> Result<(), Error> {
        let _lock = lock::settings(self.home.state()).await?;
        Ok(settings::turn(self.home.settings(), switch, on)?)
    }
}
