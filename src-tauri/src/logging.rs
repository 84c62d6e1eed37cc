//! What is logged to standard error, as `TOKENFERRY_LOG` sets it.
//!
//! Below `info`, only our own code is heard, whatever is asked for: the libraries for HTTP, Docker and D-Bus log bodies
//! there, and those of windows log addresses; both hold what is secret.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The roots of our own modules.
const OURS: [&str; 5] = ["engine", "page", "tokenferry_desktop", "courier", "tray"];

/// Begins to log. Where the variable can't be understood, nothing is logged.
pub(crate) fn begin() {
    let wanted = std::env::var("TOKENFERRY_LOG").unwrap_or_else(|_| "off".to_owned());
    let wanted = EnvFilter::builder().parse(&wanted).unwrap_or_else(|_| EnvFilter::new("off"));
    let safe = filter_fn(|meta| *meta.level() <= Level::INFO || is_ours(meta.target()));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(wanted.and(safe));
    tracing_subscriber::registry().with(lines).init();
}

fn is_ours(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    OURS.contains(&root)
}
