//! Draws the menu by D-Bus, as a StatusNotifierItem, and passes clicks on.

use std::sync::OnceLock;

use ksni::menu::{CheckmarkItem, StandardItem, SubMenu};
use ksni::{Category, MenuItem, OfflineReason, ToolTip};
use tokio::sync::mpsc::UnboundedSender;

use crate::click::Click;
use crate::icon::Icon;
use crate::menu::{Item, Menu};
use crate::resident::FromPanel;
use crate::words::escaped;

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Drawn {
    menu: Menu,
    tell: UnboundedSender<FromPanel>,
}

impl Drawn {
    pub(crate) fn new(menu: Menu, tell: UnboundedSender<FromPanel>) -> Self {
        Self { menu, tell }
    }

    pub(crate) fn show(&mut self, menu: Menu) {
        self.menu = menu;
    }

    fn clicked(&self, click: Click) {
        // Nobody listens where the resident is ending.
        let _ = self.tell.send(FromPanel::Clicked(click));
    }
}

impl ksni::Tray for Drawn {
    fn id(&self) -> String {
        "tokenferry".to_owned()
    }

    fn title(&self) -> String {
        "Tokenferry".to_owned()
    }

    fn category(&self) -> Category {
        Category::ApplicationStatus
    }

    fn status(&self) -> ksni::Status {
        match self.menu.icon {
            Icon::NeedsYou => ksni::Status::NeedsAttention,
            _ => ksni::Status::Active,
        }
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        pixmaps(self.menu.icon).to_vec()
    }

    fn attention_icon_pixmap(&self) -> Vec<ksni::Icon> {
        pixmaps(Icon::NeedsYou).to_vec()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip { title: "Tokenferry".to_owned(), description: escaped(&self.menu.tooltip), ..ToolTip::default() }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.clicked(Click::Open);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.menu.items.iter().map(item).collect()
    }

    fn watcher_online(&self) {
        let _ = self.tell.send(FromPanel::Place(true));
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::debug!(?reason, "no place for the icon");
        let _ = self.tell.send(FromPanel::Place(false));
        true
    }
}

fn item(of: &Item) -> MenuItem<Drawn> {
    match of.clone() {
        Item::Separator => MenuItem::Separator,
        Item::Menu { label, items } => {
            SubMenu { label: literal(&label), submenu: items.iter().map(item).collect(), ..SubMenu::default() }.into()
        }
        Item::Line { label, click } => {
            let enabled = click.is_some();
            StandardItem { label: literal(&label), enabled, activate: on(click), ..StandardItem::default() }.into()
        }
        Item::Check { label, checked, click } => {
            let enabled = click.is_some();
            let label = literal(&label);
            CheckmarkItem { label, checked, enabled, activate: on(click), ..CheckmarkItem::default() }.into()
        }
    }
}

fn on(click: Option<Click>) -> Box<dyn Fn(&mut Drawn) + Send> {
    Box::new(move |drawn| {
        if let Some(click) = &click {
            drawn.clicked(click.clone());
        }
    })
}

/// A single underscore would mark a key in a menu.
fn literal(label: &str) -> String {
    label.replace('_', "__")
}

macro_rules! drawings {
    ($name:literal) => {
        [
            include_bytes!(concat!("../../../../icons/tray/", $name, "-16.png")).as_slice(),
            include_bytes!(concat!("../../../../icons/tray/", $name, "-22.png")).as_slice(),
            include_bytes!(concat!("../../../../icons/tray/", $name, "-24.png")).as_slice(),
            include_bytes!(concat!("../../../../icons/tray/", $name, "-32.png")).as_slice(),
            include_bytes!(concat!("../../../../icons/tray/", $name, "-48.png")).as_slice(),
        ]
    };
}

/// An icon in every size, decoded when it is first shown.
fn pixmaps(of: Icon) -> &'static [ksni::Icon] {
    static DECODED: [OnceLock<Vec<ksni::Icon>>; 5] = [const { OnceLock::new() }; 5];
    let (at, drawings) = match of {
        Icon::SignedOut => (0, drawings!("signed-out")),
        Icon::Fresh => (1, drawings!("fresh")),
        Icon::Working => (2, drawings!("working")),
        Icon::NeedsYou => (3, drawings!("needs-you")),
        Icon::Offline => (4, drawings!("offline")),
    };
    let decoded = DECODED.get(at).map(|it| it.get_or_init(|| drawings.into_iter().filter_map(pixmap).collect()));
    decoded.map_or(&[], Vec::as_slice)
}

/// As D-Bus wants it: ARGB, a byte each.
fn pixmap(drawing: &[u8]) -> Option<ksni::Icon> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(drawing));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut data).ok()?;
    if info.color_type != png::ColorType::Rgba {
        return None;
    }
    for pixel in data.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    Some(ksni::Icon { width: info.width.try_into().ok()?, height: info.height.try_into().ok()?, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_is_there_in_every_size() {
        for icon in [Icon::SignedOut, Icon::Fresh, Icon::Working, Icon::NeedsYou, Icon::Offline] {
            let sizes: Vec<_> = pixmaps(icon).iter().map(|it| (it.width, it.height)).collect();
            assert_eq!(sizes, [16, 22, 24, 32, 48].map(|size| (size, size)), "{icon:?}");
            for pixmap in pixmaps(icon) {
                assert_eq!(pixmap.data.len(), usize::try_from(pixmap.width * pixmap.height * 4).unwrap());
                let seen = |pixel: &[u8]| pixel[0] == 255;
                assert!(pixmap.data.chunks(4).any(seen), "{icon:?} at {} shows nothing", pixmap.width);
                assert!(!pixmap.data.chunks(4).all(seen), "{icon:?} at {} has no shape", pixmap.width);
            }
        }
    }
}
