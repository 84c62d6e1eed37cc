//! `serve`: the standing work, and the listeners beside it.

use std::sync::Arc;

use engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::args::Serve;
use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Keeps everything fresh and answers over HTTP, until stopped.
pub(super) async fn keep(
    engine: Arc<Engine>,
    said: Serve,
    json: bool,
    stop: CancellationToken,
) -> Result<Outcome, Failure> {
    let tell = |event: &engine::journal::Event| super::run::tell(event, json);
    let ready = |link: &engine::secret::SecretString| {
        let link = link.expose();
        talk::say(format_args!("Open this address to be let in. It is good once, for ten minutes:\n\n  {link}\n"));
    };
    server::serve(engine, said.into(), stop, tell, ready).await?;
    Ok(Outcome::Done)
}

/// Prints another link.
pub(super) fn link(engine: &Engine) -> Result<Outcome, Failure> {
    talk::data(format_args!("{}", server::link(engine)?.expose()))?;
    talk::say(format_args!("It is good once, for ten minutes."));
    Ok(Outcome::Done)
}
