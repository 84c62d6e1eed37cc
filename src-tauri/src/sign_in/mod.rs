//! A sign-in as the window leads through it: one at a time, in one of four ways, told to the page phase by phase.
//!
//! The journey itself is the engine's: begin, obtain, keep or discard. What is here opens windows and browsers, and asks.

mod address;
mod asking;
mod by_cli;
mod by_page;
mod by_pasting;
mod cli_words;
mod window;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use address::is_for_the_browser;
pub(crate) use window::bring;

use engine::Engine;
use engine::account::AccountName;
use engine::sign_in::CallbackError;
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::told::Told;
use crate::windows;

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// In a window of the app's own.
    Window,
    /// In the system's browser, which comes back by the loopback.
    Browser,
    /// In any browser, whose page shows a code.
    Paste,
    /// By the official CLI, whose sign-in is taken over.
    Cli,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// For the person, at the provider's page.
    Waiting,
    /// The same, in the browser now, since Google does not let people in inside of apps.
    Google,
    /// The code is traded for tokens.
    Trading,
    /// The person is asked whether what was there is to be replaced.
    Replace,
    /// It did not work, and the message says what to do.
    Failed,
}

/// A sign-in, told to the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SigningIn {
    account: AccountName,
    way: Way,
    phase: Phase,
    /// The page to open, where a person may have to do that.
    url: Option<String>,
    message: Option<String>,
}

/// What the person says meanwhile.
#[derive(Debug)]
enum Word {
    Code(String),
    Replace(bool),
}

/// Why a sign-in came to nothing.
#[derive(Debug)]
enum Stop {
    /// The person gave it up, or said no to replacing.
    GivenUp,
    /// It did not work, and the person is told.
    Failed(String),
}

impl From<engine::Error> for Stop {
    fn from(error: engine::Error) -> Self {
        Self::Failed(words::failed(&error))
    }
}

impl From<CallbackError> for Stop {
    fn from(error: CallbackError) -> Self {
        engine::Error::from(error).into()
    }
}

/// The sign-in that is under way, if there is one.
#[derive(Debug)]
pub(crate) struct SignIns {
    current: Arc<Mutex<Option<Current>>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Current {
    told: SigningIn,
    stop: CancellationToken,
    words: mpsc::UnboundedSender<Word>,
}

/// A sign-in's own end of it.
#[derive(Debug)]
struct Attempt {
    account: AccountName,
    stop: CancellationToken,
    words: mpsc::UnboundedReceiver<Word>,
    current: Arc<Mutex<Option<Current>>>,
    changed: Arc<Notify>,
}

impl SignIns {
    pub(crate) fn new(changed: Arc<Notify>) -> Self {
        Self { current: Arc::default(), changed }
    }

    /// As the page is told.
    pub(crate) fn now(&self) -> Option<SigningIn> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|current| current.told.clone())
    }

    /// Whether something waits for its end.
    pub(crate) fn is_under_way(&self) -> bool {
        self.now().is_some_and(|told| told.phase != Phase::Failed)
    }

    /// Gives up what is under way, and forgets what has failed.
    pub(crate) fn cancel(&self) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(current) = current {
            current.stop.cancel();
            self.changed.notify_one();
        }
    }

    /// Hands a pasted code on.
    pub(crate) fn paste(&self, code: String) -> Result<(), Told> {
        self.say(Word::Code(code))
    }

    /// Answers whether what was there is to be replaced.
    pub(crate) fn replace(&self, yes: bool) -> Result<(), Told> {
        self.say(Word::Replace(yes))
    }

    fn say(&self, word: Word) -> Result<(), Told> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let said = current.as_ref().filter(|it| it.told.phase != Phase::Failed).map(|it| it.words.send(word).is_ok());
        match said {
            Some(true) => Ok(()),
            _ => Err(Told::new("not_pending", "No sign-in waits for that.", "Begin again with Sign in.")),
        }
    }

    fn attempt(&self, account: AccountName, way: Way) -> Result<Attempt, Told> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = current.as_ref().filter(|it| it.told.phase != Phase::Failed) {
            let what = format!("{} is being signed in already.", other.told.account);
            return Err(Told::new("signing_in", what, "Finish that first, or cancel it."));
        }
        let (sender, words) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let told = SigningIn { account: account.clone(), way, phase: Phase::Waiting, url: None, message: None };
        *current = Some(Current { told, stop: stop.clone(), words: sender });
        self.changed.notify_one();
        Ok(Attempt { account, stop, words, current: self.current.clone(), changed: self.changed.clone() })
    }
}

impl Attempt {
    /// Tells the page how far it is.
    fn tell(&self, phase: Phase, url: Option<&str>, message: Option<String>) {
        self.change(|current| {
            if let Some(current) = current {
                current.told.phase = phase;
                current.told.url = url.map(str::to_owned);
                current.told.message = message;
            }
        });
    }

    /// Tells the page something, and stays where it is.
    fn remark(&self, message: String) {
        self.change(|current| {
            if let Some(current) = current {
                current.told.message = Some(message);
            }
        });
    }

    fn end(self, done: Result<(), Stop>) {
        match done {
            Ok(()) | Err(Stop::GivenUp) => self.change(|current| *current = None),
            Err(Stop::Failed(why)) => self.tell(Phase::Failed, None, Some(why)),
        }
    }

    /// Changes what is told, unless this sign-in was given up: then what is there is of another.
    fn change(&self, change: impl FnOnce(&mut Option<Current>)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.stop.is_cancelled() {
            change(&mut current);
            self.changed.notify_one();
        }
    }
}

/// Begins a sign-in. How it goes on is told in the view.
pub(crate) fn begin(app: &AppHandle, account: AccountName, way: Way) -> Result<(), Told> {
    let desk = app.state::<Desk>();
    let engine = desk.engine()?;
    let attempt = desk.sign_ins.attempt(account, way)?;
    tauri::async_runtime::spawn(lead(app.clone(), engine, attempt, way));
    Ok(())
}

async fn lead(app: AppHandle, engine: Arc<Engine>, mut attempt: Attempt, way: Way) {
    let done = match way {
        Way::Window | Way::Browser => by_page::sign_in(&app, &engine, &mut attempt, way).await,
        Way::Paste => by_pasting::sign_in(&engine, &mut attempt).await,
        Way::Cli => by_cli::sign_in(&app, &engine, &mut attempt).await,
    };
    let is_over_by_itself = !attempt.stop.is_cancelled();
    attempt.end(done);
    if is_over_by_itself {
        windows::bring_main(&app);
    }
}

#[cfg(test)]
mod tests;
