//! The README's table says what the lists say.

use engine::formats::{ALL, Format};

use crate::place::kinds;

#[test]
fn the_table_of_formats_and_places_is_true() {
    let readme = include_str!("../../README.md");
    let kinds = kinds();
    let names: Vec<_> = kinds.iter().map(|(name, _)| *name).collect();
    let head = format!("| format | who reads it | {} | `export` |", names.join(" | "));
    assert!(readme.contains(&head), "{head}");
    for taker in ALL {
        let format: Format = taker.name().parse().unwrap();
        let cells: Vec<_> =
            kinds.iter().map(|(_, place)| if place.takes(format).is_ok() { " yes |" } else { " |" }).collect();
        let row = format!("| `{}` | {} |{} yes |\n", taker.name(), taker.readers(), cells.concat());
        assert!(readme.contains(&row), "the README lacks this row:\n{row}");
    }
}
