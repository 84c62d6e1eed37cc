//! What is logged to standard error, in the words of `RUST_LOG`, as `TOKENFERRY_LOG` sets it.
//!
//! Below `info`, only our own code is heard, whatever is asked for: the libraries for HTTP, Docker and D-Bus log bodies
//! there, and bodies hold tokens.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The roots of our own modules.
const OURS: [&str; 6] = ["engine", "tokenferry", "courier", "practice", "tray", "server"];

/// Begins to log. A mistake in the variable is said, and otherwise nothing is logged.
pub(crate) fn begin() {
    let wanted = std::env::var("TOKENFERRY_LOG").unwrap_or_else(|_| "off".to_owned());
    let wanted = EnvFilter::builder().parse(&wanted).unwrap_or_else(|why| {
        crate::talk::say(format_args!("TOKENFERRY_LOG is not understood ({why}), so nothing is logged."));
        EnvFilter::new("off")
    });
    let safe = filter_fn(|meta| *meta.level() <= Level::INFO || is_ours(meta.target()));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(wanted.and(safe));
    tracing_subscriber::registry().with(lines).init();
}

fn is_ours(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    OURS.contains(&root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_log_bodies_are_not_ours() {
        assert!(is_ours("engine::keeper") && is_ours("tokenferry"));
        for other in ["bollard::docker", "hyper", "reqwest::connect", "engineer", "zbus::connection"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
