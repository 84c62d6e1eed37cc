//! The app's life: one of it at a time, from the first window to the end, which waits for what is under way. A resident's goes
//! on without a window.

use std::sync::Mutex;
use std::time::Duration;

use page::{Desk, Way};
use tauri::{AppHandle, Manager, RunEvent};
use tokio::time::timeout;

use crate::arguments::Arguments;
use crate::host::Desktop;
use crate::windows::FirstPage;
use crate::{commands, sign_in, tray, watching, windows};

/// How long the end waits for a renewal in flight, for a sign-in that was given up to be ended, for a courier to be removed.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Lives until the last window is closed.
pub(crate) fn live(arguments: Arguments) -> tauri::Result<u8> {
    let app = tauri::Builder::default()
        // First, so that a second start does nothing else.
        .plugin(tauri_plugin_single_instance::init(|app, words, _| {
            // Those of a second start were read there as well, so a mistake has been told.
            again(app, Arguments::read(words.into_iter().skip(1)).unwrap_or_default());
        }))
        .plugin(tauri_plugin_shell::init());
    #[cfg(feature = "updater")]
    let app = app.plugin(tauri_plugin_updater::Builder::new().build());
    let app = app
        .manage(FirstPage(Mutex::new(arguments.page)))
        .invoke_handler(tauri::generate_handler![
            commands::activity,
            commands::add_directory,
            commands::add_volume,
            commands::approve,
            commands::discover,
            commands::mend,
            commands::open_url,
            commands::problems,
            commands::refresh,
            commands::remove_destination,
            commands::set_paused,
            commands::set_quiet,
            commands::set_start_at_login,
            commands::sign_in,
            commands::sign_in_cancel,
            commands::sign_in_paste,
            commands::sign_in_replace,
            commands::sign_out,
            commands::snippet,
            commands::sync,
            commands::usage,
            commands::used_by,
            commands::view,
        ])
        .setup(move |app| {
            // In the menu bar alone: no icon in the dock.
            #[cfg(target_os = "macos")]
            app.set_activation_policy(tauri::ActivationPolicy::Accessory);
            begin(app.handle(), arguments)?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.manage(Desk::new(Desktop(app.handle().clone())));
    let code = app.run_return(|app, event| match event {
        RunEvent::ExitRequested { api, code: None, .. } => {
            api.prevent_exit();
            if !tray::is_resident(app) {
                tauri::async_runtime::spawn(end(app.clone()));
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => again(app, Arguments::default()),
        _ => {}
    });
    Ok(u8::try_from(code).unwrap_or(1))
}

fn begin(app: &AppHandle, arguments: Arguments) -> tauri::Result<()> {
    if arguments.want_a_window() {
        windows::show(app, arguments.page)?;
    }
    tauri::async_runtime::spawn(watching::watch(app.clone()));
    if tray::ALWAYS || arguments.tray {
        tray::reside(app);
    }
    #[cfg(target_os = "linux")]
    if !arguments.tray {
        let app = app.clone();
        tauri::async_runtime::spawn_blocking(move || {
            if let Ok(engine) = app.state::<Desk>().engine() {
                crate::resident::start(engine.home().state());
            }
        });
    }
    sign_in_as_told(app, &arguments);
    Ok(())
}

/// Does what a second start, or a click, was meant to.
pub(crate) fn again(app: &AppHandle, arguments: Arguments) {
    if !arguments.want_a_window() {
        return;
    }
    let (app, on_main) = (app.clone(), app.clone());
    let shown = on_main.run_on_main_thread(move || {
        if let Err(why) = windows::show(&app, arguments.page) {
            tracing::error!("the window could not be shown: {why}");
        }
        sign_in_as_told(&app, &arguments);
    });
    if let Err(why) = shown {
        tracing::error!("the window could not be shown: {why}");
    }
}

fn sign_in_as_told(app: &AppHandle, arguments: &Arguments) {
    let Some(account) = arguments.sign_in.clone() else { return };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        // One that is under way is what is meant.
        if app.state::<Desk>().is_signing_in() {
            sign_in::window::bring(&app);
        } else if let Err(why) = app.state::<Desk>().sign_in(account.as_str(), Way::Window) {
            tracing::warn!("the sign-in could not begin: {}", why.text());
        }
    });
}

/// The last window is closed: what is under way is carried to its end.
async fn end(app: AppHandle) {
    finish(&app).await;
    // A second start may have asked for the window meanwhile.
    if app.webview_windows().is_empty() {
        app.exit(0);
    }
}

/// A person quits, whatever windows there are.
pub(crate) async fn quit(app: &AppHandle) {
    finish(app).await;
    app.exit(0);
}

async fn finish(app: &AppHandle) {
    let desk = app.state::<Desk>();
    let finish = async {
        desk.end().await;
        if let Some(engine) = desk.opened() {
            engine.finish().await;
        }
    };
    if timeout(END_WITHIN, finish).await.is_err() {
        tracing::warn!("something was still under way at the end");
    }
}
