//! The story that the demo tells, step by step: each does something, sees for itself that it worked, and says so.

use std::path::Path;
use std::time::{Duration, Instant};

use engine::account::AccountName;
use engine::credentials::Credentials;
use engine::destinations::OwnerChoice;
use engine::formats::Format;
use engine::provider::Wanted;
use engine::settings::{self, Destination, Place, VolumePlace};
use engine::sign_in::{Landing, Loopback};
use engine::{Engine, Surroundings};
use jiff::tz::TimeZone;
use practice::{EndedBy, Endpoint, Fingerprint, Options, Practice};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::sandbox::{FOLDER, Sandbox, USER};
use super::search::Search;
use super::telling::{Telling, time};
use super::{browser, failed};
use crate::outcome::Failure;

/// The first access token's life: long enough not to be due for a renewal at once, which begins 5 minutes before its
/// end at the latest.
const FIRST_TOKEN_MINUTES: u64 = 30;
/// The next one's life, as Claude's have it.
const NEXT_TOKEN_LIVES: Duration = Duration::from_secs(8 * 60 * 60);
/// The browser's part takes milliseconds on this machine.
const BROWSER_WITHIN: Duration = Duration::from_secs(20);
/// The app asks several times a second, and is heard at once.
const ASKS_WITHIN: Duration = Duration::from_secs(20);
/// How often to look whether it has asked.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long another process reads the file while it is replaced: many times what that takes.
const READING_SECONDS: u64 = 2;
/// What the page in the browser says at the end.
const WELCOME: &str = "You are signed in";
/// How the app says that the API answered.
const ANSWERED: &str = "answered:";
/// How the app says that it finds no credentials.
const NOT_LOGGED_IN: &str = "not logged in";

/// Tells it. What it makes in the engine and in `home` is left to be removed.
pub(super) async fn tell(
    telling: &mut Telling,
    sandbox: &Sandbox,
    home: &Path,
    stop: CancellationToken,
) -> Result<(), Failure> {
    telling.say(
        "Tokenferry at work. A practice provider plays Claude, so no account is needed: nothing leaves this machine, \
         and nothing stays on it.",
    )?;
    let practice = provider(telling).await?;
    let engine = Engine::open(Surroundings {
        home: Some(home.into()),
        provider: Some(practice.url()),
        vault: Some("file".to_owned()),
        encryption_key: engine::given_key::GivenKey::default(),
        ..Surroundings::of_process()
    })?;
    let told = Story { telling, sandbox, home, stop, practice, engine: &engine }.tell().await;
    engine.finish().await;
    told
}

async fn provider(telling: &mut Telling) -> Result<Practice, Failure> {
    let step = telling.begin("Starting the practice provider…")?;
    let begun = Instant::now();
    let practice = Practice::start(Options {
        automatic: true,
        access_token_lifetime: Duration::from_secs(FIRST_TOKEN_MINUTES * 60),
        end_access_tokens: true,
        ..Options::default()
    });
    let practice = practice.await.map_err(|why| failed(why.to_string()))?;
    let fact = format!("At {}. Its access tokens live {FIRST_TOKEN_MINUTES} minutes.", practice.url());
    telling.done(step, "A practice provider plays Claude", begun.elapsed(), &[fact], None)?;
    Ok(practice)
}

struct Story<'a> {
    telling: &'a mut Telling,
    sandbox: &'a Sandbox,
    home: &'a Path,
    stop: CancellationToken,
    practice: Practice,
    engine: &'a Engine,
}

impl Story<'_> {
    async fn tell(mut self) -> Result<(), Failure> {
        let first = self.sign_in().await?;
        self.look_into_the_vault(&first)?;
        let mut app = self.start_the_app().await?;
        self.deliver(&first, &mut app).await?;
        self.renew(&first, &mut app).await?;
        self.sign_out(&first.account, &mut app).await
    }

    async fn sign_in(&mut self) -> Result<Credentials, Failure> {
        let step = self.telling.begin("Signing in…")?;
        let begun = Instant::now();
        let loopback = Loopback::bind().await.map_err(engine::Error::Listener)?;
        let (pending, address) =
            self.engine.begin_sign_in(AccountName::default(), Wanted::SignIn, loopback.redirect().clone());
        let mut waiting = loopback.wait(pending.state.clone());
        let browser = tokio::spawn(browser::visit(address.into()));
        let arrival = timeout(BROWSER_WITHIN, waiting.arrival()).await.ok().flatten();
        let arrival = arrival.ok_or_else(|| failed("The browser did not come back from the sign-in page."))?;
        let code = arrival.code.clone().map_err(engine::Error::from)?;
        let obtained = self.engine.obtain(pending, &code).await?;
        let credentials = self.engine.keep(obtained).await?;
        let who = credentials.identity.to_string();
        arrival.show(Landing::signed_in(&who)).await;
        let heading = browser.await.map_err(|why| failed(format!("The browser's part failed: {why}.")))??;
        if heading != WELCOME {
            return Err(failed(format!("The browser landed on a page that says {heading:?}.")));
        }
        let facts = [
            format!("As {who}."),
            format!("OAuth with PKCE; an HTTP client was the browser, up to “{heading}”."),
            format!(
                "The access token is good until {}, the sign-in until {}.",
                moment(credentials.access_token_ends),
                moment(credentials.sign_in_ends)
            ),
        ];
        self.telling.done(step, "Signed in, once", begun.elapsed(), &facts, None)?;
        Ok(credentials)
    }

    fn look_into_the_vault(&mut self, first: &Credentials) -> Result<(), Failure> {
        let step = self.telling.begin("Looking into the vault…")?;
        let begun = Instant::now();
        let secrets = [first.access_token.expose(), first.refresh_token.expose()];
        let search = Search::below(self.home, &secrets)?;
        if let Some(file) = search.found.first() {
            return Err(failed(format!("{} holds a token in plain text.", file.display())));
        }
        let facts = [
            "Encrypted files in a temporary folder; for real, your system's keychain.".to_owned(),
            format!("{} files there were searched: no token in plain text.", search.files),
        ];
        self.telling.done(step, "The sign-in lies in the vault", begun.elapsed(), &facts, None)
    }

    async fn start_the_app(&mut self) -> Result<App, Failure> {
        let step = self.telling.begin("Starting an app in a container…")?;
        let begun = Instant::now();
        let mut app = self.sandbox.start_app(&self.practice.url(), self.stop.clone()).await?;
        let said = app.says(NOT_LOGGED_IN).await?;
        let facts = [
            format!("Container {}, user {USER} (uid {}). It asks over and over.", app.short_id(), practice::app::NODE),
            format!("Volume {} lies at {FOLDER}, and is empty.", self.sandbox.name()),
            format!("Docker is at {}.", self.sandbox.shown()),
        ];
        self.telling.done(
            step,
            "A container runs an app that asks Claude",
            begun.elapsed(),
            &facts,
            Some(brief(&said)),
        )?;
        Ok(app)
    }

    async fn deliver(&mut self, first: &Credentials, app: &mut App) -> Result<(), Failure> {
        let step = self.telling.begin("Delivering…")?;
        let begun = Instant::now();
        let destination = Destination {
            name: "demo".parse().map_err(failed)?,
            place: Place::Volume(VolumePlace {
                engine: settings::default_engine(),
                volume: self.sandbox.name().parse().map_err(failed)?,
                folder: None,
            }),
            account: first.account.clone(),
            format: Format::default(),
            owner: OwnerChoice::Auto,
            ready_to_use: false,
        };
        self.engine.add_destination(destination, None).await?;
        self.sync().await?;
        let delivered = begun.elapsed();
        let said = self.answered(app, first).await?;
        let took = begun.elapsed();
        app.begin_reading(0).await?.end().await?;
        app.expect_untouched().await?;
        let facts = [
            format!("Written and read back after {}: the access token alone.", time(delivered)),
            format!("The container sees a file of its user {}, mode 0600.", practice::app::NODE),
        ];
        self.telling.done(step, "Delivered: the app gets its answers", took, &facts, Some(&said))
    }

    async fn renew(&mut self, first: &Credentials, app: &mut App) -> Result<(), Failure> {
        let step = self.telling.begin("Renewing, while the file is being read…")?;
        self.practice.set(|options| options.access_token_lifetime = NEXT_TOKEN_LIVES);
        let reading = app.begin_reading(READING_SECONDS).await?;
        let begun = Instant::now();
        let next = self.engine.refresh(&first.account).await?;
        self.sync().await?;
        let delivered = begun.elapsed();
        let said = self.answered(app, &next).await?;
        let took = begun.elapsed();
        let reads = reading.end().await?.reads;

        self.practice.advance(Duration::from_secs(FIRST_TOKEN_MINUTES * 60));
        if self.engine.provider().profile(&first.access_token).await.is_ok() {
            return Err(failed("The first access token was still good after its end."));
        }
        self.asked_with(&next).await?;
        app.expect_untouched().await?;
        let facts = [
            format!(
                "The fresh token is in place after {}, and good until {}.",
                time(delivered),
                moment(next.access_token_ends)
            ),
            format!("Meanwhile the file was read {} times in there: whole every time.", grouped(reads)),
            format!(
                "By the provider's clock it is now {FIRST_TOKEN_MINUTES} minutes later, and the first token has ended: \
                 the app gets its answers. It was never restarted."
            ),
        ];
        self.telling.done(step, "Renewed and delivered: the same app goes on", took, &facts, Some(&said))
    }

    async fn sign_out(&mut self, account: &AccountName, app: &mut App) -> Result<(), Failure> {
        let step = self.telling.begin("Signing out…")?;
        let begun = Instant::now();
        let goodbye = self.engine.sign_out(account).await?;
        if let Some(why) = goodbye.untold {
            return Err(engine::Error::from(why).into());
        }
        for copy in goodbye.copies {
            copy.result.map_err(|why| super::failed_with(why.to_string(), why.fix()))?;
        }
        if self.practice.sign_ins().iter().any(|it| it.ended_by != Some(EndedBy::Revocation)) {
            return Err(failed("The provider was not told that the sign-in is over."));
        }
        let said = app.says(NOT_LOGGED_IN).await?;
        app.expect_untouched().await?;
        let fact = "Ended at the provider, forgotten by the vault, gone from the volume.".to_owned();
        self.telling.done(step, "Signed out: every copy is taken back", begun.elapsed(), &[fact], Some(brief(&said)))
    }

    /// Delivers to all destinations, and sees that it arrived.
    async fn sync(&self) -> Result<(), Failure> {
        let synced = self.engine.sync(&[], false).await?;
        if let Some((_, why)) = synced.without_token.into_iter().next() {
            return Err(why.into());
        }
        for delivery in synced.delivered {
            delivery.result.map_err(|why| super::failed_with(why.to_string(), why.fix()))?;
        }
        Ok(())
    }

    /// Waits for an answer that the app got with this very token; the provider's record agrees with what the app says.
    async fn answered(&self, app: &mut App, with: &Credentials) -> Result<String, Failure> {
        let said = app.says(fingerprint(with).as_str()).await?;
        self.asked_with(with).await?;
        if said.starts_with(ANSWERED) { Ok(said) } else { Err(failed(format!("The app said: {said}"))) }
    }

    /// Waits for the next request that the provider answers, and sees that this token came with it.
    async fn asked_with(&self, credentials: &Credentials) -> Result<(), Failure> {
        let expected = (Some(fingerprint(credentials)), Some(200));
        let before = self.practice.record().count(Endpoint::Messages);
        let next = async {
            loop {
                // One that is under way has no status yet.
                let record = self.practice.record();
                let next = record.of(Endpoint::Messages).skip(before).find(|request| request.status.is_some());
                if let Some(request) = next {
                    return (request.presented.clone(), request.status);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            seen = timeout(ASKS_WITHIN, next) => match seen {
                Ok(seen) if seen == expected => Ok(()),
                Ok(_) => Err(failed("The app asked with another token than the one that was delivered, or was refused.")),
                Err(_) => Err(failed("The app stopped asking.")),
            },
            () = self.stop.cancelled() => Err(Failure::Interrupted),
        }
    }
}

/// As the provider names an access token.
fn fingerprint(credentials: &Credentials) -> Fingerprint {
    Fingerprint::of(credentials.access_token.expose())
}

fn moment(time: jiff::Timestamp) -> String {
    engine::status::moment(time, jiff::Timestamp::now(), &TimeZone::system())
}

/// What the app says, without the system's own words for it in brackets.
fn brief(said: &str) -> &str {
    said.split_once(" (").map_or(said, |(brief, _)| brief)
}

/// A number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
