//! A browser, perhaps on another machine, as the host of the page: it opens addresses itself, and has no windows of ours.

use page::{Host, Way};
use url::Url;

/// Whoever looks at the page.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Whether the browser is on this machine, so that the provider's page can come back to it.
    pub(crate) is_here: bool,
}

impl Host for Browser {
    fn ways(&self) -> &'static [Way] {
        if self.is_here { &[Way::Browser, Way::Paste, Way::Cli] } else { &[Way::Paste, Way::Cli] }
    }

    fn open(&self, _: &Url) -> bool {
        false
    }
}
