//! `run`: the standing work in the foreground, a line for each event.

use engine::Engine;
use engine::journal::Event;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::outcome::{Failure, Outcome};
use crate::talk;

/// Keeps everything fresh until stopped.
pub(super) async fn keep(engine: &Engine, json: bool, stop: CancellationToken) -> Result<Outcome, Failure> {
    engine.run(stop, |event| tell(event, json)).await?;
    Ok(Outcome::Done)
}

/// Tells of an event in a line.
pub(super) fn tell(event: &Event, json: bool) {
    if json {
        if let Ok(line) = serde_json::to_string(event) {
            // A reader that has gone away is no reason to let tokens end.
            let _ = talk::data(format_args!("{line}"));
        }
    } else {
        let at = event.at.to_zoned(TimeZone::system()).strftime("%H:%M:%S");
        talk::say(format_args!("{at}  {}", event.text));
    }
}
