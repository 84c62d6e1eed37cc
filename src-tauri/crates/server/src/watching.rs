//! What changes elsewhere is taken over here: grants, accounts, events; and what is used here is counted there.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::machines::COUNTED_EVERY;
use crate::shared::Shared;

/// Looked at anew at least this often, whatever the file system tells.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Takes over what changes, until it is dropped.
pub(crate) async fn watch(shared: &Shared) {
    let changes = shared.engine.changes();
    let mut told = shared.engine.newest_event().unwrap_or_default();
    let mut count_at = Instant::now() + COUNTED_EVERY;
    loop {
        told = look(shared, told);
        tokio::select! {
            () = changes.next() => {}
            () = sleep(LOOK_AGAIN) => {}
            () = shared.machines.first_use() => count_at = Instant::now(),
            () = sleep_until(count_at) => {}
        }
        if count_at <= Instant::now() {
            count_at = Instant::now() + COUNTED_EVERY;
            count(shared, false);
        }
    }
}

/// Has the journal count what was used.
pub(crate) fn count(shared: &Shared, is_last: bool) {
    if let Err(why) = shared.machines.count(&shared.engine, is_last) {
        tracing::warn!("uses of grants could not be counted: {why}");
    }
}

/// Takes over what the journal has now. What can't be read now is read the next time.
pub(crate) fn look(shared: &Shared, told: i64) -> i64 {
    let engine = &shared.engine;
    match engine.accounts() {
        Ok(accounts) => shared.broker.keep_newest(&accounts),
        Err(why) => tracing::warn!("accounts can't be looked at: {why}"),
    }
    if let Err(why) = shared.machines.load(engine) {
        tracing::warn!("grants can't be looked at: {why}");
    }
    let events = match engine.events_since(told, u32::MAX) {
        Ok(events) => events,
        Err(why) => {
            tracing::warn!("what happened can't be looked at: {why}");
            return told;
        }
    };
    for (_, event) in &events {
        shared.meters.happened(event);
    }
    events.last().map_or(told, |(number, _)| *number)
}
