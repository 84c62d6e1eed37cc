//! Somebody who shows notices, on a private D-Bus: keeps what was to be shown, and presses buttons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use crate::steps::eventually;

/// Nobody is quicker with the mouse; a program listens for a click when it knows that the notice is shown.
const REACTION: Duration = Duration::from_millis(500);

const PATH: &str = "/org/freedesktop/Notifications";

/// A notice that was to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    id: u32,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What its buttons say, by their keys.
    pub buttons: Vec<(String, String)>,
}

type All = Arc<Mutex<Vec<Shown>>>;

/// Who shows notices. They are gone when this is dropped.
#[derive(Debug)]
pub struct Notifications {
    bus: Connection,
    shown: All,
}

struct Server {
    shown: All,
    able: Vec<String>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_capabilities(&self) -> Vec<String> {
        self.able.clone()
    }

    #[expect(clippy::too_many_arguments, reason = "the interface has them")]
    fn notify(
        &self,
        _program: &str,
        _replaces: u32,
        _icon: &str,
        title: &str,
        body: &str,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let id = u32::try_from(shown.len()).unwrap_or_default() + 1;
        let buttons = actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        shown.push(Shown { id, title: title.to_owned(), body: body.to_owned(), buttons });
        id
    }

    fn close_notification(&self, _id: u32) {}

    fn get_server_information(&self) -> (String, String, String, String) {
        ("bed".to_owned(), "Tokenferry".to_owned(), "1".to_owned(), "1.2".to_owned())
    }
}

impl Notifications {
    /// One with buttons and markup, on the bus at this address.
    pub async fn start(address: &str) -> Self {
        Self::start_with(address, &["actions", "body", "body-markup"]).await
    }

    /// One that can do this.
    ///
    /// # Panics
    /// Where there is one already, or no bus.
    pub async fn start_with(address: &str, able: &[&str]) -> Self {
        let shown = All::default();
        let server = Server { shown: shown.clone(), able: able.iter().map(|it| (*it).to_owned()).collect() };
        let bus = zbus::connection::Builder::address(address)
            .and_then(|builder| builder.serve_at(PATH, server))
            .and_then(|builder| builder.name("org.freedesktop.Notifications"))
            .expect("a server should be described")
            .build();
        Self { bus: bus.await.expect("a server should start"), shown }
    }

    /// Everything that was to be shown so far.
    #[must_use]
    pub fn all(&self) -> Vec<Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The notice whose title has this text, as soon as there is one.
    pub async fn notice(&self, text: &str) -> Shown {
        let find = || self.all().into_iter().find(|it| it.title.contains(text));
        eventually(&format!("a notice with {text:?}"), async || find().is_some()).await;
        find().expect("it was there")
    }

    /// Presses the button that says this.
    ///
    /// # Panics
    /// Where it has no such button.
    pub async fn press(&self, notice: &Shown, button: &str) {
        let pressed = notice.buttons.iter().find(|(key, says)| key != "default" && says == button);
        let (key, _) = pressed.unwrap_or_else(|| panic!("{notice:?} has no button {button:?}"));
        tokio::time::sleep(REACTION).await;
        let to_all: Option<&str> = None;
        let said = (notice.id, key.as_str());
        let sent = self.bus.emit_signal(to_all, PATH, "org.freedesktop.Notifications", "ActionInvoked", &said);
        sent.await.expect("a signal should be sent");
    }
}
