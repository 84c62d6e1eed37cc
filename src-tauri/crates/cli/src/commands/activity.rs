//! `activity`.

use engine::Engine;
use jiff::tz::TimeZone;

use super::report;
use crate::outcome::{Failure, Outcome};
use crate::talk::{data, say};

/// Shows what happened, the newest last.
pub(super) fn show(engine: &Engine, most: u32, json: bool) -> Result<Outcome, Failure> {
    let events = engine.activity(most)?;
    if json {
        report(&events)?;
        return Ok(Outcome::Done);
    }
    if events.is_empty() {
        say(format_args!("Nothing has happened yet."));
    }
    for event in events {
        let at = event.at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
        data(format_args!("{at}  {}", event.text))?;
    }
    Ok(Outcome::Done)
}
