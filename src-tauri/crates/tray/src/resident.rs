//! The resident, whatever it is drawn with: keeps everything fresh, shows how it stands, gives notices, and does what is
//! clicked. What is different from one system to another is a [`Desktop`].

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use engine::journal::{Event, Kind};
use engine::settings::Switch;
use engine::{Engine, Synced};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::click::{Click, Page};
use crate::menu::{Menu, Now, SyncResult};
use crate::notices::{self, Notice};
use crate::notifying;
use crate::showing::Shown;

/// Changes come in bursts; looking after this much takes a whole burst at once.
const BURST: Duration = Duration::from_millis(100);
/// Clocks of waits stand still while the machine sleeps, so times are looked at anew at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// For how long there may be no place for the icon before it is said.
const NO_PLACE: Duration = Duration::from_secs(15);
/// What can't be used at all is tried again after this, then after twice as long each time: at login, a keychain comes late.
const FIRST_AGAIN: Duration = Duration::from_secs(2);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);

/// What comes from the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromPanel {
    /// A person asks for this.
    Clicked(Click),
    /// There is a place for the icon, or none.
    Place(bool),
}

/// What a resident is drawn with, and what it opens.
pub trait Desktop {
    /// Draws the menu, unless it is drawn already.
    ///
    /// # Errors
    /// A sentence, where nothing is seen any more; it is then not asked again.
    fn draw(&mut self, menu: &Menu) -> impl Future<Output = Result<(), String>>;

    /// Shows the window, at a page where one is named.
    ///
    /// # Errors
    /// The window can't be opened.
    fn open(&self, page: Option<Page>) -> io::Result<()>;

    /// Begins a sign-in, anew to this account where one is named.
    ///
    /// # Errors
    /// What leads through it can't be opened.
    fn sign_in(&self, account: Option<&str>) -> io::Result<()>;

    /// Whether it starts at login; none where that can't be set here.
    fn starts_at_login(&self) -> Option<bool>;

    /// Has it start at login, or no more.
    ///
    /// # Errors
    /// It can't be set.
    fn start_at_login(&self, on: bool) -> io::Result<()>;
}

/// What goes on because somebody clicked.
type Asked<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + 'a>>>;

enum Answer {
    Synced(SyncResult),
    Renewed(String, Option<String>),
    Turned(Option<String>),
    Quit,
}

/// Keeps everything fresh and shows it on the desktop, until `stop` or until a person quits; what is under way is then brought
/// to its end. `panel` is both ends of what comes from there: a notice's button asks for something in the same way. `tell` is given
/// each event as it happens.
pub async fn live(
    engine: &Engine,
    stop: CancellationToken,
    desktop: impl Desktop,
    (to_panel, panel): (UnboundedSender<FromPanel>, UnboundedReceiver<FromPanel>),
    tell: impl Fn(&Event) + Send + Sync,
) {
    let (trouble, troubles) = watch::channel(None);
    let (notices, to_show) = unbounded_channel();
    let face = Face {
        engine,
        stop: stop.clone(),
        tell: &tell,
        now: Now { start_at_login: desktop.starts_at_login(), ..Now::default() },
        desktop,
        is_drawn: true,
        notices,
        told: BTreeSet::new(),
        asked: Asked::new(),
        no_place: None,
    };
    tokio::select! {
        () = keep(engine, stop, &tell, trouble) => {}
        () = face.show(panel, troubles) => {}
        () = notifying::notify(engine, to_show, Shown::new(to_panel)) => {}
    }
}

/// The standing work. What keeps it from beginning may come in a while: it is tried again, and told where it lasts.
async fn keep(
    engine: &Engine,
    stop: CancellationToken,
    tell: &(impl Fn(&Event) + Send + Sync),
    trouble: watch::Sender<Option<String>>,
) {
    let mut again = FIRST_AGAIN;
    loop {
        let told = |event: &Event| {
            if event.kind == Kind::Started {
                trouble.send_if_modified(|trouble| trouble.take().is_some());
            }
            tell(event);
        };
        let Err(why) = engine.run(stop.clone(), told).await else { return };
        let text = format!("{why} {}", why.fix()).trim_end().to_owned();
        if again == FIRST_AGAIN {
            tell(&Event::new(Timestamp::now(), Kind::Trouble, &text));
        } else {
            trouble.send_replace(Some(text));
        }
        tokio::select! {
            () = sleep(again) => {}
            () = stop.cancelled() => return,
        }
        again = (again * 2).min(LONGEST_AGAIN);
    }
}

/// What a person sees and does.
struct Face<'a, D, T> {
    engine: &'a Engine,
    stop: CancellationToken,
    tell: &'a T,
    now: Now,
    desktop: D,
    /// Whether anything is still seen of it.
    is_drawn: bool,
    notices: UnboundedSender<Notice>,
    /// What was handed on to be shown, by key and time.
    told: BTreeSet<(String, Timestamp)>,
    asked: Asked<'a>,
    /// Since when there is no place for the icon, while it is not yet said.
    no_place: Option<Instant>,
}

impl<D: Desktop, T: Fn(&Event)> Face<'_, D, T> {
    async fn show(mut self, mut panel: UnboundedReceiver<FromPanel>, mut troubles: watch::Receiver<Option<String>>) {
        let changes = self.engine.changes();
        let mut next = self.look().await;
        loop {
            let no_place = self.no_place.map(|since| since + NO_PLACE);
            let wake = no_place.map_or(next, |at| at.min(next));
            tokio::select! {
                () = changes.next() => sleep(BURST).await,
                Some(from) = panel.recv() => self.take(from),
                Some(answer) = self.asked.next(), if !self.asked.is_empty() => self.note(answer),
                Ok(()) = troubles.changed() => self.trouble(troubles.borrow_and_update().clone()),
                () = sleep_until(wake) => self.miss_the_panel(),
            }
            next = self.look().await;
        }
    }

    fn say(&self, text: &str) {
        (self.tell)(&Event::new(Timestamp::now(), Kind::Trouble, text));
    }

    /// Draws how it stands, and says when to look again though nothing happens.
    async fn look(&mut self) -> Instant {
        let (menu, next) = self.see();
        if self.is_drawn
            && let Err(why) = self.desktop.draw(&menu).await
        {
            self.is_drawn = false;
            self.say(&why);
        }
        next
    }

    /// How it stands, and when to look again though nothing happens. Hands on what a person has to be told.
    fn see(&mut self) -> (Menu, Instant) {
        let zone = TimeZone::system();
        let status = match self.engine.status() {
            Ok(status) => status,
            Err(why) => return self.blind(format!("{why} {}", why.fix())),
        };
        for notice in notices::due(&status, &zone) {
            self.tell_once(notice);
        }
        let changes = Menu::changes(&status, &zone);
        let wait = Duration::try_from(changes.duration_since(status.at)).unwrap_or_default();
        // A moment later, so that what was to come has come.
        let wait = (wait + BURST).min(LONGEST_WAIT);
        (Menu::of(&status, &self.now, &zone), Instant::now() + wait)
    }

    /// The settings or the journal can't be read: the menu says so, until they are mended.
    fn blind(&self, why: String) -> (Menu, Instant) {
        let now = Now { trouble: Some(why.trim_end().to_owned()), ..self.now.clone() };
        (Menu::blind(&now), Instant::now() + LONGEST_WAIT)
    }

    fn tell_once(&mut self, notice: Notice) {
        if self.told.insert((notice.key.clone(), notice.about)) {
            let _ = self.notices.send(notice);
        }
    }

    /// What a click led to is told too, unless a person wants quiet.
    fn tell_result(&self, notice: Notice) {
        if !self.engine.settings().is_ok_and(|settings| settings.quiet) {
            let _ = self.notices.send(notice);
        }
    }

    fn trouble(&mut self, trouble: Option<String>) {
        if let Some(text) = &trouble {
            let mut notice = notices::failed("Nothing can be kept fresh", text.clone(), Timestamp::now());
            if self.now.trouble.is_none() && !self.engine.settings().is_ok_and(|settings| settings.quiet) {
                notice.key = format!("trouble {text}");
                self.tell_once(notice);
            }
        }
        self.now.trouble = trouble;
    }

    fn take(&mut self, from: FromPanel) {
        match from {
            FromPanel::Place(true) => self.no_place = None,
            FromPanel::Place(false) => self.no_place = Some(Instant::now()),
            FromPanel::Clicked(click) => {
                if let Err(why) = self.act(click.clone()) {
                    let title = match click {
                        Click::StartAtLogin(_) => "Starting at login can't be changed",
                        _ => "The window can't be opened",
                    };
                    self.tell_result(notices::failed(title, format!("{why}."), Timestamp::now()));
                }
            }
        }
    }

    fn act(&mut self, click: Click) -> io::Result<()> {
        let engine = self.engine;
        match click {
            Click::Open => self.desktop.open(None)?,
            Click::Show(page) => self.desktop.open(Some(page))?,
            Click::SignIn(account) => self.desktop.sign_in(account.as_deref())?,
            Click::Sync if self.now.syncing => {}
            Click::Sync => {
                self.now.syncing = true;
                self.asked.push(Box::pin(async move { Answer::Synced(sync(engine).await) }));
            }
            Click::Renew(account) => {
                if self.now.renewing.insert(account.clone()) {
                    self.asked.push(Box::pin(async move {
                        let why = renew(engine, &account).await.err();
                        Answer::Renewed(account, why)
                    }));
                }
            }
            Click::Pause(on) => self.asked.push(Box::pin(async move {
                let turned = engine.turn(Switch::Paused, on).await;
                Answer::Turned(turned.err().map(|why| format!("{why} {}", why.fix())))
            })),
            Click::StartAtLogin(on) => {
                self.desktop.start_at_login(on)?;
                self.now.start_at_login = self.desktop.starts_at_login();
            }
            Click::Quit => {
                self.now.ending = true;
                // The panel waits for an answer to the click.
                self.asked.push(Box::pin(async {
                    sleep(BURST).await;
                    Answer::Quit
                }));
            }
        }
        Ok(())
    }

    fn note(&mut self, answer: Answer) {
        let now = Timestamp::now();
        match answer {
            Answer::Synced(result) => {
                self.now.syncing = false;
                self.tell_result(notices::synced(&result));
                self.now.synced = Some(result);
            }
            Answer::Renewed(account, why) => {
                self.now.renewing.remove(&account);
                if let Some(why) = why {
                    self.tell_result(notices::failed(&format!("{account} could not be renewed"), why, now));
                }
            }
            Answer::Quit => self.stop.cancel(),
            Answer::Turned(why) => {
                if let Some(why) = why {
                    self.tell_result(notices::failed("The setting could not be changed", why, now));
                }
            }
        }
    }

    /// There is no place for the icon, and none came.
    fn miss_the_panel(&mut self) {
        if self.no_place.is_some_and(|since| since.elapsed() >= NO_PLACE) {
            self.no_place = None;
            self.say(
                "This desktop has no place for an icon. Everything works without; start `tokenferry tray` again to open \
                 the window.",
            );
            if !self.engine.settings().is_ok_and(|settings| settings.quiet) {
                self.tell_once(notices::no_panel());
            }
        }
    }
}

async fn sync(engine: &Engine) -> SyncResult {
    let synced = engine.sync(&[], false).await;
    let at = Timestamp::now();
    let Synced { delivered, withdrawn, without_token } = match synced {
        Ok(synced) => synced,
        Err(why) => {
            let why = format!("{why} {}", why.fix()).trim_end().to_owned();
            return SyncResult { at, done: 0, failed: Vec::new(), why: Some(why) };
        }
    };
    let done = delivered.iter().filter(|it| it.result.is_ok()).count();
    let mut failed = Vec::new();
    for it in delivered.iter().chain(&withdrawn) {
        if let Err(why) = &it.result {
            failed.push((it.destination.clone(), format!("{why} {}", why.fix())));
        }
    }
    failed.extend(without_token.iter().map(|(name, why)| (name.to_string(), format!("{why} {}", why.fix()))));
    let why = failed.first().map(|(_, why)| why.trim_end().to_owned());
    SyncResult { at, done, failed: failed.into_iter().map(|(name, _)| name).collect(), why }
}

async fn renew(engine: &Engine, account: &str) -> Result<(), String> {
    let name = account.parse().map_err(|why: engine::BadWord| why.to_string())?;
    engine.refresh(&name).await.map(drop).map_err(|why| format!("{why} {}", why.fix()).trim_end().to_owned())
}
