//! A panel with a place for tray icons, on a private D-Bus: sees what is shown there, reads the menu, and clicks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

/// Far beyond what an icon takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a person sees follows within this; the rest is patience with a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// The largest picture of an icon, in pixels a side.
const BIGGEST: i32 = 48;

/// The icons that were shown so far.
type Items = Arc<Mutex<Vec<Item>>>;

/// Where an icon is: whose, and at which path.
#[derive(Debug, Clone)]
struct Item {
    owner: String,
    path: String,
}

/// The panel. It is gone when this is dropped.
#[derive(Debug)]
pub struct TrayHost {
    bus: Connection,
    items: Items,
}

struct Watcher(Items);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// What is registered is a name on the bus, or, by libayatana, a path of whoever registers it.
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: zbus::message::Header<'_>) {
        let item = match (service.starts_with('/'), header.sender()) {
            (true, Some(owner)) => Item { owner: owner.to_string(), path: service.to_owned() },
            _ => Item { owner: service.to_owned(), path: "/StatusNotifierItem".to_owned() },
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().map(|item| format!("{}{}", item.owner, item.path)).collect()
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
            if let Some(item) = newest {
                return TrayIcon { bus: self.bus.clone(), item };
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
    item: Item,
}

impl TrayIcon {
    async fn proxy(&self, path: String, interface: &'static str) -> Proxy<'_> {
        zbus::proxy::Builder::new(&self.bus)
            .destination(self.item.owner.as_str())
            .and_then(|builder| builder.path(path))
            .and_then(|builder| builder.interface(interface))
            .expect("a proxy should be described")
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .expect("a proxy should be made")
    }

    async fn item(&self) -> Proxy<'_> {
        self.proxy(self.item.path.clone(), "org.kde.StatusNotifierItem").await
    }

    async fn menu_proxy(&self) -> Proxy<'_> {
        let path: OwnedObjectPath = self.item().await.get_property("Menu").await.expect("the icon should have a menu");
        self.proxy(path.to_string(), "com.canonical.dbusmenu").await
    }

    /// Whether its program is still there.
    pub async fn is_there(&self) -> bool {
        self.item().await.get_property::<String>("Id").await.is_ok()
    }

    /// Whether it shows the drawing of this name in `icons/tray/`: by its pictures, or by the file that it names.
    pub async fn is(&self, drawing: &str) -> bool {
        type Pictures = Vec<(i32, i32, Vec<u8>)>;
        let item = self.item().await;
        let pictures: Option<Pictures> = item.get_property("IconPixmap").await.ok();
        let wanted = |size: i32| {
            let file = format!("{}/../icons/tray/{drawing}-{size}.png", env!("CARGO_MANIFEST_DIR"));
            decoded(Path::new(&file)).expect("a drawing").2
        };
        if let Some((width, _, picture)) = pictures.into_iter().flatten().find(|(width, ..)| *width == BIGGEST) {
            return picture == wanted(width);
        }
        let file: String = item.get_property("IconName").await.expect("the icon should have a picture or a file");
        // It is replaced by another at any time.
        decoded(Path::new(&file)).is_some_and(|(width, _, picture)| picture == wanted(width))
    }

    /// Waits until it shows that drawing.
    ///
    /// # Panics
    /// Where it doesn't within a few seconds: what a person sees has to follow soon.
    pub async fn shows(&self, drawing: &str) {
        self.within(&format!("the icon says {drawing}"), async || self.is(drawing).await).await;
    }

    /// Waits until there is a line that begins like this.
    ///
    /// # Panics
    /// As [`TrayIcon::shows`].
    pub async fn lists(&self, begins: &str) {
        self.within(&format!("a line begins with {begins:?}"), async || self.find(begins).await.is_some()).await;
    }

    async fn within(&self, what: &str, is: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !is().await {
            assert!(begun.elapsed() < SOON, "{what}: not within {SOON:?}; its menu is {:#?}", self.lines().await);
            tokio::time::sleep(LOOK).await;
        }
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

/// A drawing as the panel is given it: its width and height, and ARGB. None where there is none.
fn decoded(file: &Path) -> Option<(i32, i32, Vec<u8>)> {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).ok()?));
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut data).ok()?;
    data.chunks_exact_mut(4).for_each(|pixel| pixel.rotate_right(1));
    Some((info.width.try_into().ok()?, info.height.try_into().ok()?, data))
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
