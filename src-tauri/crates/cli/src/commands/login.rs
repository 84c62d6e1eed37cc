//! `login` and `callback`.

use engine::account::AccountName;
use engine::credentials::{Credentials, Kind};
use engine::provider::Wanted;
use engine::secret::SecretString;
use engine::sign_in::{Callback, Landing, Loopback, PendingSignIn};
use engine::{Earlier, Engine, Obtained};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{self, Progress};

/// Opens the browser and waits for its answer. Nothing is kept of it before it is through.
pub(super) async fn in_browser(
    engine: &Engine,
    account: AccountName,
    wanted: Wanted,
    yes: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    engine.can_keep(&account).await?;
    let loopback = Loopback::bind().await.map_err(engine::Error::Listener)?;
    let (pending, url) = engine.begin_sign_in(account, wanted, loopback.redirect().clone());
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
    wanted: Wanted,
    yes: bool,
    json: bool,
    stop: CancellationToken,
) -> Result<Outcome, Failure> {
    let (pending, url) = engine.begin_pasted_sign_in(account, wanted).await?;
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
    told(&engine.keep(obtained).await?, json)
}

/// Tells who is signed in now, and gives them back.
pub(super) fn told(kept: &Credentials, json: bool) -> Result<String, Failure> {
    let who = kept.identity.to_string();
    if json {
        report(&json!({
            "account": kept.account,
            "kind": kept.kind,
            "identity": kept.identity,
            "access_token_ends": kept.access_token_ends,
            "sign_in_ends": kept.sign_in_ends,
        }))?;
    } else if kept.kind == Kind::OneYear {
        let ends = engine::status::moment(kept.access_token_ends, kept.updated, &jiff::tz::TimeZone::system());
        talk::say(format_args!(
            "Got a token for {who}, for inference only, good until {ends}. It is never renewed: you are told before it ends."
        ));
    } else {
        talk::say(format_args!("Signed in as {who}."));
    }
    Ok(who)
}

/// Asks before what is kept under the name is replaced by something else, or by somebody else's; what is turned down is ended at the provider.
pub(super) async fn agreed(engine: &Engine, obtained: Obtained, yes: bool) -> Result<Option<Obtained>, Failure> {
    let Some(before) = obtained.replaces().filter(|_| !yes) else { return Ok(Some(obtained)) };
    let now = match obtained.kind() {
        Kind::SignIn => format!("You are now signing in as {}.", obtained.identity()),
        Kind::OneYear => format!("You now have a one-year token for {}.", obtained.identity()),
        Kind::ApiKey => "You are now adding an API key.".to_owned(),
    };
    let question = format!("{} {now} Replace it?", kept_so_far(obtained.account(), before));
    let answer = talk::ask(question, "Say --yes to replace it, or choose another name with --account.").await;
    if let Ok(true) = answer {
        return Ok(Some(obtained));
    }
    if let Err(why) = engine.discard(obtained).await {
        talk::say(format_args!("The new sign-in could not be ended at Claude ({why}); it ends by itself."));
    }
    answer.map(|_| None)
}

/// What is kept under a name, in a sentence.
pub(super) fn kept_so_far(account: &AccountName, earlier: &Earlier) -> String {
    match earlier.kind {
        Kind::SignIn => format!("Account {account} is signed in as {}.", earlier.identity),
        Kind::OneYear => format!("Account {account} has a one-year token for {}.", earlier.identity),
        Kind::ApiKey => format!("Account {account} has an API key."),
    }
}

pub(super) fn declined() -> Failure {
    Failure::Declined {
        what: "Nothing new was kept; everything is as before.".to_owned(),
        fix: "To keep both, choose another name with --account.".to_owned(),
    }
}
