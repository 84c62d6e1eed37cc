//! As little as a tray app on Tauri can be: an icon, a menu, an empty window. `make bench` measures ours against it.
#![allow(clippy::expect_used, reason = "it is a measure, and ends where there is nothing to measure")]

use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{RunEvent, WebviewUrl, WebviewWindowBuilder, include_image};

fn main() {
    let app = tauri::Builder::default()
        .setup(|app| {
            let open = MenuItem::with_id(app, "open", "Open", true, None::<&str>)?;
            TrayIconBuilder::new()
                .icon(include_image!("../icons/32x32.png"))
                .menu(&Menu::with_items(app, &[&open])?)
                .build(app)?;
            Ok(())
        })
        .on_menu_event(|app, _| {
            let blank = "about:blank".parse().expect("an address");
            WebviewWindowBuilder::new(app, "bare", WebviewUrl::External(blank))
                .title("Bare")
                .inner_size(420.0, 640.0)
                .build()
                .expect("a window should open");
        })
        .build(tauri::generate_context!())
        .expect("Tauri should start");
    app.run(|_, event| {
        // It stays when its window is closed.
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
}
