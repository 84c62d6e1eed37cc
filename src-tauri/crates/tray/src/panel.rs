//! The light resident of Linux, `tokenferry tray`: the icon by D-Bus, and a window that is another program.

use std::io;
use std::time::Duration;

use engine::Engine;
use engine::journal::Event;
use ksni::{Handle, TrayMethods};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::autostart::Autostart;
use crate::click::Page;
use crate::drawing::Drawn;
use crate::lean::lean;
use crate::menu::Menu;
use crate::resident::{self, Desktop, FromPanel};
use crate::{lock, programs};

/// How long the panel may take to take the icon: at login it starts beside us.
const PANEL: Duration = Duration::from_secs(25);

/// Why there is no resident.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The state can't be used.
    #[error("Whether Tokenferry runs already can't be told: {0}.")]
    Lock(#[source] io::Error),
    /// Another resident runs, and its window can't be opened.
    #[error("Tokenferry runs already, and its window can't be opened: {0}.")]
    Window(#[source] io::Error),
}

impl Failed {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lock(_) => "lock_disk",
            Self::Window(_) => "no_window",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Lock(_) => "Look at the permissions of the folder of its state.",
            Self::Window(_) => "Use its icon in the panel, or `tokenferry` in a terminal.",
        }
        .to_owned()
    }
}

/// Keeps everything fresh and shows it in the panel, until `stop` or until a person quits; what is under way is then brought
/// to its end. `tell` is given each event as it happens. Where another resident runs, opens its window, and is done.
///
/// # Errors
/// [`Failed`]. What fails for a while is shown, and tried again.
pub async fn run(engine: &Engine, stop: CancellationToken, tell: impl Fn(&Event) + Send + Sync) -> Result<(), Failed> {
    let Some(_lock) = lock::resident(engine.home().state()).map_err(Failed::Lock)? else {
        return programs::open_window(None).map_err(Failed::Window);
    };
    tokio::spawn(lean());
    let (clicks, panel) = unbounded_channel();
    let desktop = Panel { clicks: clicks.clone(), icon: None };
    resident::live(engine, stop, desktop, (clicks, panel), tell).await;
    Ok(())
}

/// What the panel shows.
struct Panel {
    clicks: UnboundedSender<FromPanel>,
    icon: Option<(Handle<Drawn>, Menu)>,
}

impl Desktop for Panel {
    async fn draw(&mut self, menu: &Menu) -> Result<(), String> {
        match &mut self.icon {
            Some((_, shown)) if shown == menu => {}
            Some((icon, shown)) => {
                shown.clone_from(menu);
                let updated = icon.update(|drawn| drawn.show(menu.clone())).await;
                updated.ok_or_else(|| "The icon is gone from the panel.".to_owned())?;
            }
            None => {
                let drawn = Drawn::new(menu.clone(), self.clicks.clone());
                let icon = match timeout(PANEL, drawn.assume_sni_available(true).spawn()).await {
                    Ok(Ok(icon)) => icon,
                    Ok(Err(why)) => return Err(format!("There is no icon in the panel: {why}.")),
                    Err(_) => return Err("There is no icon in the panel: it gave no answer.".to_owned()),
                };
                self.icon = Some((icon, menu.clone()));
            }
        }
        Ok(())
    }

    fn open(&self, page: Option<Page>) -> io::Result<()> {
        // Opening one takes code that isn't needed again until the next.
        tokio::spawn(lean());
        programs::open_window(page)
    }

    fn sign_in(&self, account: Option<&str>) -> io::Result<()> {
        programs::sign_in(account)
    }

    fn starts_at_login(&self) -> Option<bool> {
        autostart().map(|autostart| autostart.is_on())
    }

    fn start_at_login(&self, on: bool) -> io::Result<()> {
        autostart().map_or(Ok(()), |autostart| autostart.set(on))
    }
}

fn autostart() -> Option<Autostart> {
    Autostart::of_process(std::env::current_exe().ok()?)
}
