//! Shows each notice once, as soon as somebody is there who shows notices.

use std::time::Duration;

use engine::Engine;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use crate::notices::Notice;
use crate::showing::{Server, Shown};

/// At login, who shows notices may come after us.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Where nobody came in this many looks, there is nobody.
const LOOKS: u32 = 10;

/// Shows what comes, without an end.
pub(crate) async fn notify(engine: &Engine, mut notices: UnboundedReceiver<Notice>, mut shown: Shown) {
    let (mut waiting, mut looks) = (Vec::new(), 0);
    loop {
        tokio::select! {
            notice = notices.recv() => match notice {
                Some(notice) => waiting.push(notice),
                None => return,
            },
            () = sleep(LOOK_AGAIN), if !waiting.is_empty() => {}
        }
        let Some(server) = Server::find().await else {
            looks += 1;
            tracing::info!("nobody is there to show notices");
            // What was asked for is told at once or not at all.
            waiting.retain(|notice: &Notice| !notice.key.is_empty() && looks < LOOKS);
            continue;
        };
        looks = 0;
        for notice in waiting.drain(..) {
            if is_new(engine, &notice) {
                shown.show(&notice, server).await;
            }
        }
    }
}

fn is_new(engine: &Engine, notice: &Notice) -> bool {
    if notice.key.is_empty() {
        return true;
    }
    let first = engine.first_time(&notice.key, notice.about);
    first.inspect_err(|why| tracing::warn!("what was told can't be remembered: {why}")).unwrap_or_default()
}
