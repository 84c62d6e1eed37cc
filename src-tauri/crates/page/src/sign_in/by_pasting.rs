//! Signing in with any browser, on whatever machine: its page shows a code, which is pasted here.

use engine::Engine;
use engine::provider::Wanted;
use engine::sign_in::{Callback, PENDING_LIVES};

use super::{Attempt, Phase, Stop, Word, asking, words};

/// Waits for the code, as long as a sign-in lives. `tokenferry callback` could finish it as well.
pub(super) async fn sign_in(engine: &Engine, attempt: &mut Attempt) -> Result<(), Stop> {
    let (pending, url) = engine.begin_pasted_sign_in(attempt.account.clone(), Wanted::SignIn).await?;
    attempt.wait(Phase::Waiting, &url, false);
    let (stop, id) = (attempt.stop.clone(), pending.id());
    let callback = tokio::select! {
        callback = code(attempt, &pending.state) => callback,
        () = tokio::time::sleep(PENDING_LIVES) => Err(engine::Error::NotPending.into()),
        () = stop.cancelled() => Err(Stop::GivenUp),
    };
    let callback = match callback {
        Ok(callback) => callback,
        Err(why) => {
            engine.forget_pending(&id).await?;
            return Err(why);
        }
    };
    let pending = engine.take_pending(&callback).await?;
    asking::trade(engine, attempt, pending, &callback.code).await.map(drop)
}

/// The code of this sign-in; what is none is remarked upon, and the next one awaited.
pub(super) async fn code(attempt: &mut Attempt, state: &engine::secret::SecretString) -> Result<Callback, Stop> {
    loop {
        let pasted = match attempt.words.recv().await {
            Some(Word::Code(pasted)) => pasted,
            Some(Word::Replace(_)) => continue,
            None => return Err(Stop::GivenUp),
        };
        match Callback::pasted(&pasted) {
            Ok(callback) if callback.state == *state => return Ok(callback),
            Ok(_) => attempt.remark(words::code_of_another()),
            Err(why) => attempt.remark(words::not_the_code(&why)),
        }
    }
}
