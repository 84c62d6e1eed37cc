//! Places that are kept signed in: found, approved of, delivered to, taken off the list.

use engine::delivery::Carried;
use engine::discovery::{Suggestion, UsedBy};
use engine::settings::{Destination, Place, VolumePlace, default_engine};
use engine::snippets::{Kind, Wish};
use engine::{Engine, Error};
use serde::Serialize;
use tauri::State;

use super::{Answer, Gone};
use crate::desk::Desk;
use crate::told::Told;

/// What was found on the engines.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Found {
    suggestions: Vec<Suggestion>,
    troubles: Vec<Trouble>,
}

/// What stands in the way of looking, or of delivering there.
#[derive(Debug, Serialize)]
pub(crate) struct Trouble {
    engine: String,
    what: String,
    fix: String,
}

/// Looks for places that wait for a sign-in.
#[tauri::command]
pub(crate) async fn discover(desk: State<'_, Desk>) -> Answer<Found> {
    let engine = desk.engine()?;
    let mut found = Found::default();
    for looked in engine.discover(None)?.all().await? {
        match looked.result {
            Ok(discovery) => {
                found.suggestions.extend(discovery.suggestions);
                let troubles = discovery.findings.into_iter();
                found.troubles.extend(troubles.map(|it| Trouble { engine: it.engine, what: it.what, fix: it.fix }));
            }
            Err(why) => {
                found.troubles.push(Trouble { engine: looked.engine, what: why.to_string(), fix: why.fix() });
            }
        }
    }
    desk.suggest(found.suggestions.clone());
    Ok(found)
}

/// Approves of what was found; gives its name.
#[tauri::command]
pub(crate) async fn approve(
    desk: State<'_, Desk>,
    engine: String,
    name: String,
    account: Option<String>,
) -> Answer<String> {
    let suggestion = desk.suggested(&engine, &name).ok_or_else(|| {
        Told::new("no_such_suggestion", format_args!("{name} is no longer suggested."), "Look again.")
    })?;
    let account = account.map(|account| account.parse()).transpose()?;
    Ok(desk.engine()?.approve(&suggestion, account).await?.name.to_string())
}

/// Adds a volume.
#[tauri::command]
pub(crate) async fn add_volume(
    desk: State<'_, Desk>,
    name: String,
    volume: String,
    engine: Option<String>,
    account: Option<String>,
) -> Answer<String> {
    let place = VolumePlace { engine: default_engine(), volume: volume.parse()?, folder: None };
    add(desk.engine()?.as_ref(), name, Place::Volume(place), engine.as_deref(), account).await
}

/// Adds a folder of this machine.
#[tauri::command]
pub(crate) async fn add_directory(
    desk: State<'_, Desk>,
    name: String,
    directory: String,
    account: Option<String>,
) -> Answer<String> {
    let directory = std::path::PathBuf::from(directory);
    if !directory.is_absolute() {
        let what = format!("{} is not a whole path.", directory.display());
        return Err(Told::new("bad_folder", what, "Give it from the root, such as /home/me/claude."));
    }
    add(desk.engine()?.as_ref(), name, Place::Directory { directory }, None, account).await
}

async fn add(engine: &Engine, name: String, place: Place, on: Option<&str>, account: Option<String>) -> Answer<String> {
    let account = match account {
        Some(account) => account.parse()?,
        // A place may be added before anybody has signed in.
        None => match engine.account(None) {
            Err(Error::NoAccount(first)) => first,
            known => known?,
        },
    };
    let format = place.usual_format();
    let destination =
        Destination { name: name.parse()?, place, account, format, owner: Default::default(), ready_to_use: false };
    Ok(engine.add_destination(destination, on).await?.name.to_string())
}

/// Takes a place off the list, and its copy away.
#[tauri::command]
pub(crate) async fn remove_destination(desk: State<'_, Desk>, name: String) -> Answer<Vec<Gone>> {
    let copies = desk.engine()?.remove_destination(&name).await?;
    Ok(copies.iter().map(Gone::from).collect())
}

/// What became of a delivery.
#[derive(Debug, Serialize)]
pub(crate) struct Delivered {
    destination: String,
    ok: bool,
    text: String,
    fix: String,
}

/// Delivers now, everywhere where nothing is named.
#[tauri::command]
pub(crate) async fn sync(desk: State<'_, Desk>, names: Vec<String>) -> Answer<Vec<Delivered>> {
    let synced = desk.engine()?.sync(&names, false).await?;
    let carried = |it: &Carried, done: String| match &it.result {
        Ok(_) => Delivered { destination: it.destination.clone(), ok: true, text: done, fix: String::new() },
        Err(why) => Delivered { destination: it.destination.clone(), ok: false, text: why.to_string(), fix: why.fix() },
    };
    let delivered = synced.delivered.iter().map(|it| carried(it, "Delivered, and read back.".to_owned()));
    let withdrawn = synced.withdrawn.iter().map(|it| carried(it, format!("No copy is left in {}.", it.spot)));
    let without = synced.without_token.iter().map(|(name, why)| Delivered {
        destination: name.to_string(),
        ok: false,
        text: why.to_string(),
        fix: why.fix(),
    });
    Ok(delivered.chain(withdrawn).chain(without).collect())
}

/// The containers that use a place.
#[tauri::command]
pub(crate) async fn used_by(desk: State<'_, Desk>, destination: String) -> Answer<Vec<UsedBy>> {
    Ok(desk.engine()?.used_by(&destination).await?)
}

/// The lines for a compose file that have a container use a place.
#[tauri::command]
pub(crate) async fn snippet(desk: State<'_, Desk>, destination: String) -> Answer<String> {
    Ok(desk.engine()?.snippet(Kind::Compose, Some(&destination), None, &Wish::default())?.text)
}
