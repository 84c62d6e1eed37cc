//! The end that all ways of a sign-in have in common: trade the code, ask before anybody is replaced, keep.

use engine::secret::SecretString;
use engine::sign_in::PendingSignIn;
use engine::{Engine, Obtained};

use super::{Attempt, Phase, Replacing, Stop, Word};

/// Trades the code and keeps what comes of it; says who is signed in now.
pub(super) async fn trade(
    engine: &Engine,
    attempt: &mut Attempt,
    pending: PendingSignIn,
    code: &SecretString,
) -> Result<String, Stop> {
    attempt.tell(Phase::Trading);
    let stop = attempt.stop.clone();
    // What arrives for one who has given up is ended at the provider by the engine.
    let obtained = tokio::select! {
        obtained = engine.obtain(pending, code) => obtained?,
        () = stop.cancelled() => return Err(Stop::GivenUp),
    };
    let obtained = agreed(engine, attempt, obtained).await?;
    attempt.tell(Phase::Trading);
    Ok(engine.keep(obtained).await?.identity.to_string())
}

/// Asks before what is kept under the name is replaced by somebody else's. What is turned down is ended at the provider.
pub(super) async fn agreed(engine: &Engine, attempt: &mut Attempt, obtained: Obtained) -> Result<Obtained, Stop> {
    let Some(earlier) = obtained.replaces() else { return Ok(obtained) };
    attempt.ask(Replacing { kind: earlier.kind, earlier: earlier.identity.clone(), new: obtained.identity().clone() });
    if is_agreed(attempt).await {
        return Ok(obtained);
    }
    if let Err(why) = engine.discard(obtained).await {
        tracing::warn!("a sign-in that was turned down could not be ended: {why}");
    }
    Err(Stop::GivenUp)
}

async fn is_agreed(attempt: &mut Attempt) -> bool {
    let stop = attempt.stop.clone();
    let answer = async {
        loop {
            match attempt.words.recv().await {
                Some(Word::Replace(yes)) => return yes,
                Some(Word::Code(_)) => {}
                None => return false,
            }
        }
    };
    tokio::select! {
        yes = answer => yes,
        () = stop.cancelled() => false,
    }
}
