//! Spots as the inventory writes them: five words, of which a copy's row is known.

use rusqlite::{Row, types::Type};

use crate::destinations::kubernetes::SecretPlace;
use crate::destinations::postgres::PostgresPlace;
use crate::settings::{Place, Spot, VolumePlace};

/// Whether a row is a spot's; the words go to `?1` to `?5`.
pub(super) const IS_IT: &str = "kind = ?1 AND host = ?2 AND root = ?3 AND folder = ?4 AND format = ?5";

/// A spot's words: kind, host, root, folder, format.
pub(super) fn words(spot: &Spot) -> [String; 5] {
    let mut shown = None;
    let (kind, host, root, folder) = match &spot.place {
        Place::Volume(place) => ("volume", place.engine.as_str(), place.volume.to_string(), place.folder()),
        Place::Directory { .. } => ("directory", "", spot.place.root(), ""),
        Place::Postgres(place) => {
            ("postgres", shown.insert(place.url.to_string()).as_str(), place.user_id.to_string(), "")
        }
        Place::Secret(place) => ("secret", place.context.as_deref().unwrap_or_default(), place.root(), ""),
    };
    [kind.to_owned(), host.to_owned(), root, folder.to_owned(), spot.format.to_string()]
}

/// The spot of a row.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Spot> {
    let word = |name: &str| row.get::<_, String>(name);
    let (kind, host, root, folder, format) =
        (word("kind")?, word("host")?, word("root")?, word("folder")?, word("format")?);
    let bad = |word: &str| rusqlite::Error::InvalidColumnType(0, word.to_owned(), Type::Text);
    let place = match kind.as_str() {
        "volume" => Place::Volume(VolumePlace {
            engine: host,
            volume: root.parse().map_err(|_| bad(&root))?,
            folder: if folder.is_empty() { None } else { Some(folder.parse().map_err(|_| bad(&folder))?) },
        }),
        "directory" => Place::Directory { directory: root.into() },
        "postgres" => Place::Postgres(Box::new(PostgresPlace {
            url: host.parse().map_err(|_| bad(&host))?,
            user_id: root.parse().map_err(|_| bad(&root))?,
        })),
        "secret" => {
            let secret: SecretPlace = root.parse().map_err(|_| bad(&root))?;
            Place::Secret(secret.in_context(Some(host).filter(|context| !context.is_empty())))
        }
        other => return Err(bad(other)),
    };
    Ok(Spot { place, format: format.parse().map_err(|_| bad(&format))? })
}
