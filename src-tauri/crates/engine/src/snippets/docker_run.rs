//! A `docker run` for a POSIX shell.

use super::Parts;
use crate::destinations::docker::survey::ACCOUNT_LABEL;
use crate::shell;

/// Stands where the image goes.
pub(super) const NO_IMAGE: &str = "IMAGE";

pub(super) fn text(parts: &Parts<'_>) -> String {
    let Parts { wish, volume, variable, folder, label, .. } = parts;
    let mode = if wish.read_only { ":ro" } else { "" };
    let mut options = vec![
        format!("--volume {volume}:{}{mode}", wish.mount),
        format!("--env {}", shell::word(&format!("{variable}={folder}"))),
    ];
    if let Some(account) = label {
        options.push(format!("--label {ACCOUNT_LABEL}={account}"));
    }
    options.push(wish.image.as_ref().map_or(NO_IMAGE, |image| image.as_str()).to_owned());
    format!("docker run --rm \\\n  {}\n", options.join(" \\\n  "))
}
