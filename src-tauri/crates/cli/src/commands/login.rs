//! `login` and `callback`.

use engine::account::AccountName;
use engine::secret::SecretString;
use engine::sign_in::{Callback, Landing, Loopback, PendingSignIn};
use engine::{Engine, Obtained};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Opens the browser and waits for its answer. Nothing is kept of it before it is through.
pub(super) async fn in_browser(
    engine: &Engine,
    account: AccountName,
    yes: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    engine.can_keep(&account).await?;
    let loopback = Loopback::bind().await.map_err(engine::Error::Listener)?;
    let (pending, url) = engine.begin_sign_in(account, loopback.redirect().clone());
    let mut waiting = loopback.wait(pending.state.clone());
    if webbrowser::open(url.as_str()).is_ok() {
        talk::say(format_args!(
            "Your browser opens Claude's sign-in page. If it does not, open this address:\n\n  {url}\n"
        ));
    } else {
        talk::say(format_args!("Open this address in a browser on this machine:\n\n  {url}\n"));
        talk::say(format_args!("No browser here? Press Ctrl-C, and use `tokenferry login --paste`."));
    }
    let progress = Progress::of("Waiting for the browser…");
    let late = tokio::time::sleep(engine::sign_in::PENDING_LIVES);
    let arrival = tokio::select! {
        arrival = waiting.arrival() => arrival,
        () = late => None,
    };
    drop(progress);
    let arrival = arrival.ok_or(engine::Error::NotPending)?;
    let done = match arrival.code.clone() {
        Ok(code) => obtain_and_keep(engine, pending, &code, yes, json).await,
        Err(why) => Err(engine::Error::from(why).into()),
    };
    let landing = match &done {
        Ok(who) => Landing::signed_in(who),
        Err(why) => Landing::failed(&why.to_string()),
    };
    arrival.show(landing).await;
    done.map(|_| Outcome::Done)
}

/// Prints the address and takes the code at the prompt, or leaves it to `callback`.
pub(super) async fn by_pasting(
    engine: &Engine,
    account: AccountName,
    yes: bool,
    json: bool,
    stop: CancellationToken,
) -> Result<Outcome, Failure> {
    let (pending, url) = engine.begin_pasted_sign_in(account).await?;
    let id = pending.id();
    if json {
        report(&json!({"authorization_url": url.as_str(), "account": pending.account, "ends": pending.ends()}))?;
    } else {
        talk::say(format_args!("Open this address in any browser, and sign in:\n"));
        talk::data(format_args!("{url}"))?;
        talk::say(format_args!(""));
    }
    // Whoever interrupts at the prompt gives the sign-in up; whoever closes standard input comes back later.
    let pasted = tokio::select! {
        pasted = talk::prompt("Paste the code that the page shows: ") => pasted?,
        () = stop.cancelled() => {
            engine.forget_pending(&id).await?;
            return Ok(Outcome::Interrupted);
        }
    };
    match pasted {
        Some(code) => tokio::select! {
            done = finish(engine, Some(code), yes, json) => done,
            () = stop.cancelled() => Ok(Outcome::Interrupted),
        },
        None => {
            talk::say(format_args!("\nFinish within ten minutes with `tokenferry callback CODE#STATE`."));
            Ok(Outcome::Done)
        }
    }
}

/// Finishes a sign-in that waits for its code.
pub(super) async fn finish(engine: &Engine, code: Option<String>, yes: bool, json: bool) -> Result<Outcome, Failure> {
    let text = match code {
        Some(text) => text,
        None => talk::prompt("Paste the code that the page shows: ").await?.unwrap_or_default(),
    };
    let callback = Callback::pasted(&text).map_err(engine::Error::from)?;
    let pending = engine.take_pending(&callback).await?;
    obtain_and_keep(engine, pending, &callback.code, yes, json).await?;
    Ok(Outcome::Done)
}

/// Trades the code and keeps what comes of it; says who is signed in now.
async fn obtain_and_keep(
    engine: &Engine,
    pending: PendingSignIn,
    code: &SecretString,
    yes: bool,
    json: bool,
) -> Result<String, Failure> {
    let progress = Progress::of("Claude is asked for the tokens…");
    let obtained = engine.obtain(pending, code).await?;
    drop(progress);
    let Some(obtained) = agreed(engine, obtained, yes).await? else {
        return Err(declined());
    };
    let kept = engine.keep(obtained).await?;
    let who = kept.identity.to_string();
    if json {
        report(&json!({
            "account": kept.account,
            "identity": kept.identity,
            "access_token_ends": kept.access_token_ends,
            "sign_in_ends": kept.sign_in_ends,
        }))?;
    } else {
        talk::say(format_args!("Signed in as {who}."));
    }
    Ok(who)
}

/// Asks before somebody else's sign-in is replaced; what is turned down is ended at the provider.
pub(super) async fn agreed(engine: &Engine, obtained: Obtained, yes: bool) -> Result<Option<Obtained>, Failure> {
    let Some(before) = obtained.replaces().filter(|_| !yes) else { return Ok(Some(obtained)) };
    let question = format!(
        "Account {} is signed in as {before}. You are now signing in as {}. Replace it?",
        obtained.account(),
        obtained.identity()
    );
    let answer = talk::ask(question, "Say --yes to replace it, or choose another name with --account.").await;
    if let Ok(true) = answer {
        return Ok(Some(obtained));
    }
    if let Err(why) = engine.discard(obtained).await {
        talk::say(format_args!("The new sign-in could not be ended at Claude ({why}); it ends by itself."));
    }
    answer.map(|_| None)
}

pub(super) fn declined() -> Failure {
    Failure::Declined {
        what: "The new sign-in was not kept; everything is as before.".to_owned(),
        fix: "To keep both, choose another name with --account.".to_owned(),
    }
}
