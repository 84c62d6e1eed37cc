//! What shows the page, and what only that can do: a window of the desktop, or a server's answers to a browser.

use std::fmt::Debug;

use engine::sign_in::CliCall;
use tokio::sync::mpsc;
use url::Url;

use crate::answers::Answer;
use crate::sign_in::{Program, Way};
use crate::told::Told;

/// Whoever shows the page.
pub trait Host: Debug + Send + Sync + 'static {
    /// How a person can sign in here, the best first. No other way is begun.
    fn ways(&self) -> &'static [Way];

    /// Opens an address in the person's browser, and returns at once. Only addresses that
    /// [are for a browser](crate::is_for_the_browser) come here. `false` where the person has to open it, on the page.
    fn open(&self, url: &Url) -> bool;

    /// Opens the provider's page in a window of its own. What it heads to is judged there; the answer at `redirect` is taken
    /// before it is loaded. `on_loopback` says whether the provider is on this machine, where http will do.
    ///
    /// # Errors
    /// Why not, as the end of a sentence.
    fn window(&self, url: &Url, redirect: &Url, on_loopback: bool) -> Result<Window, String> {
        let _ = (url, redirect, on_loopback);
        Err("there are none here".to_owned())
    }

    /// Runs the official CLI beside this program.
    ///
    /// # Errors
    /// Why not, as the end of a sentence.
    fn program(&self, call: &CliCall) -> Result<Program, String> {
        Program::run(call).map_err(|why| why.to_string())
    }

    /// A sign-in has come to its end by itself: whoever began it may look elsewhere.
    fn sign_in_is_over(&self) {}

    /// Whether Tokenferry starts when the person logs in; none where that can't be set.
    fn starts_at_login(&self) -> Option<bool> {
        None
    }

    /// Has it start at login, or not.
    ///
    /// # Errors
    /// Where that can't be set.
    fn set_start_at_login(&self, on: bool) -> Answer<()> {
        let _ = on;
        Err(Told::not_here("Starting at login can't be set here."))
    }
}

/// A window with the provider's page.
pub struct Window {
    /// What is seen of it.
    pub glimpses: mpsc::UnboundedReceiver<Glimpse>,
    /// The window itself, which closes with this.
    pub open: Box<dyn Send>,
}

/// What was seen of a window.
#[derive(Debug)]
pub enum Glimpse {
    /// It was sent to the redirect, with this query.
    Answer(String),
    /// It headed to Google, which lets nobody sign in inside of apps.
    Google,
    /// It is gone.
    Closed,
}
