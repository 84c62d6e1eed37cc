//! The README's table says what the lists say.

use engine::formats::{ALL, Format};
use engine::settings::{Destination, Place};

/// A place of each kind, by its option's name, in the order of the table.
fn places() -> Vec<(&'static str, Place)> {
    let settings = "volume = \"v\"\n;directory = \"/d\"\n;postgres = \"postgres://db/d\"\nuser-id = \"u\"\n;kubernetes = \"n/s\"\n";
    let place = |words: &str| {
        let text = format!("name = \"it\"\n{words}");
        let destination: Destination = toml::from_str(&text).unwrap();
        destination.place
    };
    ["volume", "directory", "postgres", "kubernetes"].into_iter().zip(settings.split(';').map(place)).collect()
}

#[test]
fn the_table_of_formats_and_places_is_true() {
    let readme = include_str!("../../README.md");
    let places = places();
    let names: Vec<_> = places.iter().map(|(name, _)| *name).collect();
    let head = format!("| format | who reads it | {} | `export` |", names.join(" | "));
    assert!(readme.contains(&head), "{head}");
    for taker in ALL {
        let format: Format = taker.name().parse().unwrap();
        let cells: Vec<_> =
            places.iter().map(|(_, place)| if place.takes(format).is_ok() { " yes |" } else { " |" }).collect();
        let row = format!("| `{}` | {} |{} yes |\n", taker.name(), taker.readers(), cells.concat());
        assert!(readme.contains(&row), "the README lacks this row:\n{row}");
    }
}
