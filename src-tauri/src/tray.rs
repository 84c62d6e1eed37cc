//! The app as the resident, with the icon drawn by Tauri: so it is on macOS and Windows. On Linux the resident is `tokenferry
//! tray`, and the app is one only where it is started with `--tray`.
//!
//! The resident itself is that of the crate `tray`: here its menu is drawn, and windows of this process are opened.

use std::collections::HashMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::tray::click::{Click, Page};
use ::tray::icon::Icon;
use ::tray::lock;
use ::tray::menu::{Item, Menu as Model};
use ::tray::resident::{self, Desktop, FromPanel};
use engine::Engine;
use page::Desk;
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, include_image};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::life;

/// Whether the app is the resident on this system, however it is started.
pub(crate) const ALWAYS: bool = cfg!(not(target_os = "linux"));

/// The icon's own name.
const ID: &str = "tokenferry";
/// On Linux a menu within the menu keeps the name that it was made with: it is drawn as a box that the toolkit's call for
/// names doesn't reach.
const MENUS_ARE_RENAMED: bool = cfg!(not(target_os = "linux"));
/// What keeps the state from being opened may be mended at any time.
const AGAIN: Duration = Duration::from_secs(10);

/// Says that the app is the resident: it then ends by Quit alone.
#[derive(Debug, Default)]
struct Resident {
    /// Another process is it, after all.
    is_another: AtomicBool,
}

/// Whether the app goes on without a window.
pub(crate) fn is_resident(app: &AppHandle) -> bool {
    app.try_state::<Resident>().is_some_and(|it| !it.is_another.load(Ordering::Relaxed))
}

/// Becomes the resident. Where another one runs, that is left to it, and the window is shown.
pub(crate) fn reside(app: &AppHandle) {
    app.manage(Resident::default());
    let app = app.clone();
    // A thread of its own, since what it waits for is no business of other threads.
    std::thread::spawn(move || tauri::async_runtime::block_on(live(app)));
}

async fn live(app: AppHandle) {
    let engine = engine(&app).await;
    let _lock = match lock::resident(engine.home().state()) {
        Ok(Some(lock)) => Some(lock),
        // The app then stays what it is without an icon: a window.
        Ok(None) => {
            app.state::<Resident>().is_another.store(true, Ordering::Relaxed);
            return life::again(&app, Arguments::default());
        }
        Err(why) => {
            tracing::warn!("whether another resident runs can't be told: {why}");
            None
        }
    };
    let (clicks, panel) = unbounded_channel();
    let desktop = Bar { app: app.clone(), clicks: clicks.clone(), drawn: Arc::default() };
    resident::live(&engine, CancellationToken::new(), desktop, (clicks, panel), |event| {
        tracing::info!("{}", event.text)
    })
    .await;
    life::quit(&app).await;
}

/// The engine, as soon as it can be opened. The window says what is wrong meanwhile.
async fn engine(app: &AppHandle) -> Arc<Engine> {
    loop {
        match app.state::<Desk>().engine() {
            Ok(engine) => return engine,
            Err(why) => tracing::warn!("{}", why.text()),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The menu bar of macOS, the notification area of Windows, and what panel Linux has.
struct Bar {
    app: AppHandle,
    clicks: UnboundedSender<FromPanel>,
    drawn: Arc<Mutex<Option<Drawn>>>,
}

impl Desktop for Bar {
    async fn draw(&mut self, menu: &Model) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        let (app, clicks, drawn, menu) = (self.app.clone(), self.clicks.clone(), self.drawn.clone(), menu.clone());
        let draw = move || {
            let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
            let done = match drawn.as_mut() {
                Some(drawn) => drawn.show(&app, menu),
                None => first(&app, clicks, menu).map(|new| *drawn = Some(new)),
            };
            // It is not waited for any more where the app ends.
            let _ = tell.send(done);
        };
        // Toolkits draw on the main thread alone.
        let done = match self.app.run_on_main_thread(draw) {
            Ok(()) => told.await.unwrap_or(Ok(())),
            Err(why) => Err(why),
        };
        done.map_err(|why| format!("There is no icon: {why}."))
    }

    fn open(&self, page: Option<Page>) -> io::Result<()> {
        let page = page.and_then(|page| page::Page::ALL.into_iter().find(|it| it.word() == page.word()));
        life::again(&self.app, Arguments { page, ..Arguments::default() });
        Ok(())
    }

    fn sign_in(&self, account: Option<&str>) -> io::Result<()> {
        let account = account.map(str::parse).transpose().map_err(io::Error::other)?;
        life::again(&self.app, Arguments { sign_in: Some(account.unwrap_or_default()), ..Arguments::default() });
        Ok(())
    }

    fn starts_at_login(&self) -> Option<bool> {
        crate::start_at_login::is_set()
    }

    fn start_at_login(&self, on: bool) -> io::Result<()> {
        crate::start_at_login::set(on).map_err(|why| io::Error::other(why.text()))
    }
}

/// Linux's library for icons is opened when the first one is drawn; where it is missing, what opens it panics.
fn first(app: &AppHandle, clicks: UnboundedSender<FromPanel>, menu: Model) -> tauri::Result<Drawn> {
    let drawn = std::panic::catch_unwind(AssertUnwindSafe(|| Drawn::new(app, clicks, menu)));
    drawn.unwrap_or_else(|_| Err(io::Error::other("libayatana-appindicator can't be opened").into()))
}

/// What a click on each line asks for, by the line's place in the menu.
type Clicks = Arc<Mutex<HashMap<String, Click>>>;

/// The icon and its menu as they are drawn.
struct Drawn {
    icon: TrayIcon,
    menu: Menu<tauri::Wry>,
    lines: Vec<Line>,
    clicks: Clicks,
    shown: Model,
}

/// A line as it is drawn.
enum Line {
    Plain(MenuItem<tauri::Wry>),
    Check(CheckMenuItem<tauri::Wry>),
    Menu(Submenu<tauri::Wry>, Vec<Line>),
    Rule(PredefinedMenuItem<tauri::Wry>),
}

impl Drawn {
    fn new(app: &AppHandle, tell: UnboundedSender<FromPanel>, model: Model) -> tauri::Result<Self> {
        let menu = Menu::new(app)?;
        let clicks = Clicks::default();
        let lines = lines(app, &model.items, "")?;
        lines.iter().try_for_each(|line| menu.append(line.item()))?;
        let builder = TrayIconBuilder::with_id(ID)
            .menu(&menu)
            .icon(drawing(model.icon))
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip(&model.tooltip)
            // On Windows a left click opens the window; elsewhere it opens the menu.
            .show_menu_on_left_click(cfg!(not(target_os = "windows")));
        #[cfg(target_os = "windows")]
        let builder = {
            use tauri::tray::{MouseButton, MouseButtonState, TrayIconEvent};
            let tell = tell.clone();
            builder.on_tray_icon_event(move |_, event| {
                if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } =
                    event
                {
                    let _ = tell.send(FromPanel::Clicked(Click::Open));
                }
            })
        };
        let by_place = clicks.clone();
        let icon = builder
            .on_menu_event(move |_, event| {
                let click = by_place.lock().unwrap_or_else(PoisonError::into_inner).get(&event.id().0).cloned();
                if let Some(click) = click {
                    let _ = tell.send(FromPanel::Clicked(click));
                }
            })
            .build(app)?;
        let drawn = Self { icon, menu, lines, clicks, shown: model };
        drawn.note_clicks();
        Ok(drawn)
    }

    /// Shows another menu. Lines stay where they are as long as that can be, so that a menu that stands open does not jump.
    fn show(&mut self, app: &AppHandle, model: Model) -> tauri::Result<()> {
        if model.icon != self.shown.icon {
            #[cfg(target_os = "macos")]
            self.icon.set_icon_with_as_template(Some(drawing(model.icon)), true)?;
            #[cfg(not(target_os = "macos"))]
            self.icon.set_icon(Some(drawing(model.icon)))?;
        }
        if model.tooltip != self.shown.tooltip {
            self.icon.set_tooltip(Some(&model.tooltip))?;
        }
        if fits(&self.lines, &self.shown.items, &model.items) {
            say(&self.lines, &self.shown.items, &model.items)?;
        } else {
            while self.menu.remove_at(0)?.is_some() {}
            self.lines = lines(app, &model.items, "")?;
            self.lines.iter().try_for_each(|line| self.menu.append(line.item()))?;
        }
        self.shown = model;
        self.note_clicks();
        Ok(())
    }

    fn note_clicks(&self) {
        let mut clicks = HashMap::new();
        note(&self.shown.items, "", &mut clicks);
        *self.clicks.lock().unwrap_or_else(PoisonError::into_inner) = clicks;
    }
}

impl Line {
    fn item(&self) -> &dyn IsMenuItem<tauri::Wry> {
        match self {
            Self::Plain(item) => item,
            Self::Check(item) => item,
            Self::Menu(item, _) => item,
            Self::Rule(item) => item,
        }
    }
}

/// Makes lines; `below` is the place of the menu that they are in.
fn lines(app: &AppHandle, items: &[Item], below: &str) -> tauri::Result<Vec<Line>> {
    let make = |(at, item): (usize, &Item)| -> tauri::Result<Line> {
        let id = place(below, at);
        Ok(match item {
            Item::Line { label, click } => {
                Line::Plain(MenuItem::with_id(app, id, literal(label), click.is_some(), None::<&str>)?)
            }
            Item::Check { label, checked, click } => {
                Line::Check(CheckMenuItem::with_id(app, id, literal(label), click.is_some(), *checked, None::<&str>)?)
            }
            Item::Menu { label, items } => {
                let lines = lines(app, items, &id)?;
                let menu = Submenu::with_id(app, id, literal(label), true)?;
                lines.iter().try_for_each(|line| menu.append(line.item()))?;
                Line::Menu(menu, lines)
            }
            Item::Separator => Line::Rule(PredefinedMenuItem::separator(app)?),
        })
    };
    items.iter().enumerate().map(make).collect()
}

/// Whether lines that say what was before can say that.
fn fits(lines: &[Line], before: &[Item], items: &[Item]) -> bool {
    let fit = |((line, before), item): ((&Line, &Item), &Item)| match (line, before, item) {
        (Line::Plain(_), _, Item::Line { .. })
        | (Line::Check(_), _, Item::Check { .. })
        | (Line::Rule(_), _, Item::Separator) => true,
        (Line::Menu(_, lines), Item::Menu { label: said, items: before }, Item::Menu { label, items }) => {
            (MENUS_ARE_RENAMED || said == label) && fits(lines, before, items)
        }
        _ => false,
    };
    lines.len() == items.len() && lines.iter().zip(before).zip(items).all(fit)
}

/// Has lines that fit say what is new.
fn say(lines: &[Line], before: &[Item], items: &[Item]) -> tauri::Result<()> {
    for ((line, before), item) in lines.iter().zip(before).zip(items) {
        match (line, before, item) {
            // A tick is turned by the click itself, whatever comes of it.
            (Line::Check(line), _, Item::Check { label, checked, click }) => {
                line.set_text(literal(label))?;
                line.set_checked(*checked)?;
                line.set_enabled(click.is_some())?;
            }
            (_, before, item) if before == item => {}
            (Line::Plain(line), _, Item::Line { label, click }) => {
                line.set_text(literal(label))?;
                line.set_enabled(click.is_some())?;
            }
            (Line::Menu(menu, lines), Item::Menu { items: before, .. }, Item::Menu { label, items }) => {
                menu.set_text(literal(label))?;
                say(lines, before, items)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Notes what a click on each line asks for.
fn note(items: &[Item], below: &str, clicks: &mut HashMap<String, Click>) {
    for (at, item) in items.iter().enumerate() {
        let place = place(below, at);
        match item {
            Item::Line { click: Some(click), .. } | Item::Check { click: Some(click), .. } => {
                clicks.insert(place, click.clone());
            }
            Item::Menu { items, .. } => note(items, &place, clicks),
            Item::Line { .. } | Item::Check { .. } | Item::Separator => {}
        }
    }
}

/// A line's place in the menu: `4`, and `4.0` for the first of those in it.
fn place(below: &str, at: usize) -> String {
    if below.is_empty() { at.to_string() } else { format!("{below}.{at}") }
}

/// A single `&` would mark a key in a menu.
fn literal(label: &str) -> String {
    label.replace('&', "&&")
}

/// An icon as this system wants it: one colour on macOS, which draws it in that of its bar.
#[cfg(target_os = "macos")]
fn drawing(of: Icon) -> Image<'static> {
    match of {
        Icon::SignedOut => include_image!("../icons/tray/signed-out-template-36.png"),
        Icon::Fresh => include_image!("../icons/tray/fresh-template-36.png"),
        Icon::Working => include_image!("../icons/tray/working-template-36.png"),
        Icon::NeedsYou => include_image!("../icons/tray/needs-you-template-36.png"),
        Icon::Offline => include_image!("../icons/tray/offline-template-36.png"),
    }
}

/// An icon as this system wants it.
#[cfg(not(target_os = "macos"))]
fn drawing(of: Icon) -> Image<'static> {
    match of {
        Icon::SignedOut => include_image!("../icons/tray/signed-out-48.png"),
        Icon::Fresh => include_image!("../icons/tray/fresh-48.png"),
        Icon::Working => include_image!("../icons/tray/working-48.png"),
        Icon::NeedsYou => include_image!("../icons/tray/needs-you-48.png"),
        Icon::Offline => include_image!("../icons/tray/offline-48.png"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_known_by_its_line_s_place() {
        let line = |click| Item::Line { label: String::new(), click };
        let items = [
            line(None),
            Item::Separator,
            Item::Menu { label: String::new(), items: vec![line(None), line(Some(Click::Sync))] },
            Item::Check { label: String::new(), checked: true, click: Some(Click::Pause(false)) },
        ];
        let mut clicks = HashMap::new();
        note(&items, "", &mut clicks);
        let expected = [("2.1", Click::Sync), ("3", Click::Pause(false))];
        assert_eq!(clicks, expected.map(|(place, click)| (place.to_owned(), click)).into());
    }

    #[test]
    fn an_ampersand_is_no_mark() {
        assert_eq!(literal("Ada & Grace: Fresh"), "Ada && Grace: Fresh");
    }
}
