//! A panel with a place for tray icons, on a private D-Bus: sees what is shown there, reads the menu, and clicks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

/// Far beyond what an icon takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

type Items = Arc<Mutex<Vec<String>>>;

/// The panel. It is gone when this is dropped.
#[derive(Debug)]
pub struct TrayHost {
    bus: Connection,
    items: Items,
}

struct Watcher(Items);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(service.to_owned());
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    id: i32,
    /// What it says, without marks for keys.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it is ticked; none where it has no tick.
    pub checked: Option<bool>,
    /// What is in it.
    pub lines: Vec<Line>,
}

impl TrayHost {
    /// A panel on the bus at this address.
    ///
    /// # Panics
    /// Where there is one already, or no bus.
    pub async fn start(address: &str) -> Self {
        let items = Items::default();
        let bus = zbus::connection::Builder::address(address)
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(items.clone())))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"))
            .expect("a panel should be described")
            .build();
        Self { bus: bus.await.expect("a panel should start"), items }
    }

    /// The newest icon, as soon as there is one.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn icon(&self) -> TrayIcon {
        let begun = Instant::now();
        loop {
            let newest = self.items.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
            if let Some(service) = newest {
                return TrayIcon { bus: self.bus.clone(), service };
            }
            assert!(begun.elapsed() < PATIENCE, "no icon within {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many icons were shown so far.
    #[must_use]
    pub fn number(&self) -> usize {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// An icon in the panel.
#[derive(Debug, Clone)]
pub struct TrayIcon {
    bus: Connection,
    service: String,
}

impl TrayIcon {
    async fn proxy(&self, path: &'static str, interface: &'static str) -> Proxy<'_> {
        zbus::proxy::Builder::new(&self.bus)
            .destination(self.service.as_str())
            .and_then(|builder| builder.path(path))
            .and_then(|builder| builder.interface(interface))
            .expect("a proxy should be described")
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .expect("a proxy should be made")
    }

    async fn item(&self) -> Proxy<'_> {
        self.proxy("/StatusNotifierItem", "org.kde.StatusNotifierItem").await
    }

    async fn menu_proxy(&self) -> Proxy<'_> {
        self.proxy("/MenuBar", "com.canonical.dbusmenu").await
    }

    /// Whether its program is still there.
    pub async fn is_there(&self) -> bool {
        self.item().await.get_property::<String>("Id").await.is_ok()
    }

    /// Its picture of this many pixels a side, as ARGB.
    ///
    /// # Panics
    /// Where it has none of this size.
    pub async fn picture(&self, size: i32) -> Vec<u8> {
        let pictures: Vec<(i32, i32, Vec<u8>)> =
            self.item().await.get_property("IconPixmap").await.expect("the icon should have pictures");
        let found = pictures.into_iter().find(|(width, height, _)| (*width, *height) == (size, size));
        found.expect("a picture of this size").2
    }

    /// Whether it asks for attention.
    pub async fn needs_attention(&self) -> bool {
        let status: String = self.item().await.get_property("Status").await.expect("the icon should have a status");
        status == "NeedsAttention"
    }

    /// What it says where the pointer rests on it.
    pub async fn tooltip(&self) -> String {
        type ToolTip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let (_, _, title, text): ToolTip =
            self.item().await.get_property("ToolTip").await.expect("the icon should have a tooltip");
        format!("{title}\n{text}")
    }

    /// Clicks on it with the left button.
    pub async fn left_click(&self) {
        let clicked = self.item().await.call_method("Activate", &(0_i32, 0_i32)).await;
        clicked.expect("the icon should take a click");
    }

    /// The menu, as it is now.
    pub async fn menu(&self) -> Vec<Line> {
        type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let menu = self.menu_proxy().await;
        let asked = (0_i32, -1_i32, Vec::<String>::new());
        let (_, (_, _, children)): (u32, Node) = menu.call("GetLayout", &asked).await.expect("there should be a menu");
        children.iter().map(|child| line(child)).collect()
    }

    /// Every line, also of menus within the menu.
    pub async fn lines(&self) -> Vec<Line> {
        fn all(lines: Vec<Line>, into: &mut Vec<Line>) {
            for line in lines {
                into.push(line.clone());
                all(line.lines, into);
            }
        }
        let mut lines = Vec::new();
        all(self.menu().await, &mut lines);
        lines
    }

    /// The line that begins like this; none where there is none.
    pub async fn find(&self, begins: &str) -> Option<Line> {
        self.lines().await.into_iter().find(|line| line.label.trim_start().starts_with(begins))
    }

    /// Clicks on the line that begins like this.
    ///
    /// # Panics
    /// Where there is none, or it can't be clicked.
    pub async fn click(&self, begins: &str) {
        let lines = self.lines().await;
        let found = lines.iter().find(|line| line.label.trim_start().starts_with(begins));
        let line = found.unwrap_or_else(|| panic!("no line begins with {begins:?}: {lines:#?}"));
        assert!(line.enabled, "{line:?} can't be clicked");
        let clicked = (line.id, "clicked", Value::from(0_i32), 0_u32);
        self.menu_proxy().await.call_method("Event", &clicked).await.expect("the menu should take a click");
    }
}

fn line(value: &Value<'_>) -> Line {
    let Value::Structure(node) = plain(value) else { panic!("a line of a menu was expected: {value:?}") };
    let [Value::I32(id), Value::Dict(said), Value::Array(children)] = node.fields() else {
        panic!("a line of a menu was expected: {node:?}")
    };
    let property = |name: &str| said.iter().find(|(key, _)| **key == Value::from(name)).map(|(_, value)| plain(value));
    let label = match property("label") {
        Some(Value::Str(label)) => label.replace("__", "\0").replace('_', "").replace('\0', "_"),
        _ => String::new(),
    };
    let checked = match property("toggle-state") {
        Some(Value::I32(state)) => Some(*state == 1),
        _ => None,
    };
    Line {
        id: *id,
        label,
        enabled: !matches!(property("enabled"), Some(Value::Bool(false))),
        checked,
        lines: children.iter().map(line).collect(),
    }
}

fn plain<'a, 'b>(value: &'a Value<'b>) -> &'a Value<'b> {
    match value {
        Value::Value(inner) => plain(inner),
        value => value,
    }
}
