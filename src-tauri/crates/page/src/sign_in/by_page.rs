//! Signing in at the provider's page, in a window of the host's own or in the browser. One redirect serves both: the window's is
//! taken before it is loaded, the browser's by the loopback listener.

use engine::Engine;
use engine::provider::Wanted;
use engine::secret::SecretString;
use engine::sign_in::{Arrival, Callback, CallbackError, Landing, Loopback, PENDING_LIVES, PendingSignIn, Waiting};
use url::Url;

use super::{Attempt, Phase, Stop, Way, asking, by_pasting};
use crate::address::is_on_this_machine;
use crate::host::{Glimpse, Host, Window};

/// The answer, and the browser that waits to hear how it ended, if one does.
struct Answer {
    code: Result<SecretString, CallbackError>,
    browser: Option<Arrival>,
}

/// Leads a person through the page, and keeps what comes of it.
pub(super) async fn sign_in(host: &dyn Host, engine: &Engine, attempt: &mut Attempt, way: Way) -> Result<(), Stop> {
    let stop = attempt.stop.clone();
    tokio::select! {
        known = engine.can_keep(&attempt.account) => known?,
        () = stop.cancelled() => return Err(Stop::GivenUp),
    }
    let loopback = Loopback::bind().await.map_err(engine::Error::Listener)?;
    let redirect = loopback.redirect().clone();
    let (pending, url) = engine.begin_sign_in(attempt.account.clone(), Wanted::SignIn, redirect.clone());
    let mut waiting = loopback.wait(pending.state.clone());
    let window = match way {
        Way::Window => {
            let on_loopback = is_on_this_machine(&engine.provider().endpoints().authorize);
            let opened = host.window(&url, redirect.url(), on_loopback).map_err(|why| {
                let what = format!("The window could not be opened: {why}.");
                Stop::failed("no_window", what, "Use your browser instead.")
            })?;
            Some(opened)
        }
        _ => None,
    };
    let opened = window.is_some() || host.open(&url);
    attempt.wait(Phase::Waiting, &url, opened);
    let answer = tokio::select! {
        answer = answer(host, attempt, &pending, &url, window, &mut waiting) => answer?,
        () = tokio::time::sleep(PENDING_LIVES) => return Err(engine::Error::NotPending.into()),
        () = stop.cancelled() => return Err(Stop::GivenUp),
    };
    let done = match answer.code {
        Ok(code) => asking::trade(engine, attempt, pending, &code).await,
        Err(why) => Err(why.into()),
    };
    if let Some(arrival) = answer.browser {
        let landing = match &done {
            Ok(who) => Landing::signed_in(who),
            Err(Stop::Failed(why)) => Landing::failed(&why.text()),
            Err(Stop::GivenUp) => Landing::failed("Nothing new was kept; everything is as before."),
        };
        arrival.show(landing).await;
    }
    done.map(drop)
}

/// The first answer, from wherever it comes. The window is closed then, and where Google is for the browser.
async fn answer(
    host: &dyn Host,
    attempt: &mut Attempt,
    pending: &PendingSignIn,
    url: &Url,
    mut window: Option<Window>,
    waiting: &mut Waiting,
) -> Result<Answer, Stop> {
    loop {
        let glimpse = async {
            match window.as_mut() {
                Some(window) => window.glimpses.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            arrival = waiting.arrival() => {
                let mut arrival = arrival.ok_or(engine::Error::NotPending)?;
                let code = std::mem::replace(&mut arrival.code, Err(CallbackError::Incomplete));
                return Ok(Answer { code, browser: Some(arrival) });
            }
            callback = by_pasting::code(attempt, &pending.state) => {
                return Ok(Answer { code: Ok(callback?.code), browser: None });
            }
            glimpse = glimpse => match glimpse {
                Some(Glimpse::Answer(query)) => {
                    if let Some(code) = of_this_sign_in(&query, &pending.state) {
                        return Ok(Answer { code, browser: None });
                    }
                }
                Some(Glimpse::Google) => {
                    window = None;
                    attempt.wait(Phase::Google, url, host.open(url));
                }
                Some(Glimpse::Closed) | None => return Err(Stop::GivenUp),
            },
        }
    }
}

/// The code or the no in a redirect, if it is of this sign-in: a page that makes one up ends nothing.
fn of_this_sign_in(query: &str, state: &SecretString) -> Option<Result<SecretString, CallbackError>> {
    match Callback::from_query(query) {
        Ok(callback) if callback.state == *state => Some(Ok(callback.code)),
        Err(CallbackError::Denied { reason, state: Some(of) }) if of == *state => {
            Some(Err(CallbackError::Denied { reason, state: None }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_another_question_ends_nothing() {
        let state = SecretString::new("right");
        assert_eq!(of_this_sign_in("code=c&state=right", &state), Some(Ok(SecretString::new("c"))));
        let denied = of_this_sign_in("error=access_denied&state=right", &state);
        assert!(matches!(denied, Some(Err(CallbackError::Denied { reason, .. })) if reason == "access_denied"));
        for other in ["code=c&state=wrong", "code=c", "error=access_denied&state=wrong", "error=access_denied", ""] {
            assert_eq!(of_this_sign_in(other, &state), None, "{other}");
        }
    }
}
