//! All that the page shows at a glance, as one value. No token is in it.

use engine::status::Status;
use serde::Serialize;

use crate::answers::Answer;
use crate::desk::Desk;
use crate::sign_in::{SigningIn, Way};

/// What the page draws.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct View {
    /// The same that `tokenferry status --json` prints.
    #[serde(flatten)]
    pub status: Status,
    /// Whether Tokenferry starts at login; none where that can't be set here.
    pub start_at_login: Option<bool>,
    /// The sign-in that is under way, or has failed.
    pub signing_in: Option<SigningIn>,
    /// How a person can sign in here, the best first.
    pub ways: &'static [Way],
    /// Tokenferry's own.
    pub version: &'static str,
}

impl Desk {
    /// All that there is to see, as it is now.
    ///
    /// # Errors
    /// Where the engine can't be opened, or its journal not read.
    pub fn view(&self) -> Answer<View> {
        Ok(View {
            status: self.engine()?.status()?,
            start_at_login: self.host().starts_at_login(),
            signing_in: self.sign_ins.now(),
            ways: self.host().ways(),
            // All that shows the page is built of one workspace.
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}
