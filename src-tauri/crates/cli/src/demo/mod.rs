//! `demo`: the whole job at work, with the practice provider in place of Claude, leaving nothing behind.

use tokio_util::sync::CancellationToken;

use crate::outcome::{Failure, Outcome};

/// Shows the whole job.
pub(crate) async fn show(_stop: CancellationToken) -> Result<Outcome, Failure> {
    Err(Failure::Demo("The demo is being built.".to_owned()))
}
