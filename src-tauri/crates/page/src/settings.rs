//! What a person chooses.

use engine::settings::Switch;
use url::Url;

use crate::address::is_for_the_browser;
use crate::answers::Answer;
use crate::desk::Desk;
use crate::told::Told;

impl Desk {
    /// Whether nothing is delivered by itself for now.
    ///
    /// # Errors
    /// As told, here and below.
    pub async fn set_paused(&self, on: bool) -> Answer<()> {
        Ok(self.engine()?.turn(Switch::Paused, on).await?)
    }

    /// Whether no notices are shown.
    pub async fn set_quiet(&self, on: bool) -> Answer<()> {
        Ok(self.engine()?.turn(Switch::Quiet, on).await?)
    }

    /// Whether Tokenferry starts when the person logs in.
    pub fn set_start_at_login(&self, on: bool) -> Answer<()> {
        self.host().set_start_at_login(on)?;
        self.changed.send_replace(());
        Ok(())
    }

    /// Opens an address in the browser.
    pub fn open_url(&self, url: &str) -> Answer<()> {
        match Url::parse(url).ok().filter(is_for_the_browser) {
            // A page that opens addresses itself doesn't ask.
            Some(url) => {
                self.host().open(&url);
            }
            None => return Err(Told::new("bad_address", "That is no address for a browser.", "")),
        }
        Ok(())
    }
}
