//! Renewal: how long the containers wait for the new token once the provider has given it.

use std::{collections::BTreeSet, time::Duration};

use bed::TestEngine;
use jiff::Timestamp;
use practice::Options;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    report::{Target, heading, line, remark},
    scene::Scene,
    turns::Times,
};

const VOLUMES: usize = 100;
/// So short a life is renewed every 2 seconds, which leaves time for the delivery in between.
const LIFE: Duration = Duration::from_secs(4);
/// Half of the 1.7 s after which Claude Code in a container gives up on a token that is refused.
const AT_MOST: Duration = Duration::from_millis(850);
/// Between two looks at how many renewals there were: seldom, so that looking costs nothing.
const LOOK: Duration = Duration::from_millis(250);
/// The time that the last renewal's delivery gets: far more than it should need.
const LAST_DELIVERY: Duration = Duration::from_millis(1500);

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(engine: &TestEngine, rounds: usize) -> Vec<Target> {
    let options = Options { access_token_lifetime: LIFE, ..Options::default() };
    let scene = Scene::with_options(engine, VOLUMES, options).await;
    scene.sync().await;
    scene.provider.clear_record();

    // A renewal more, since the first one of a process connects to everything.
    let wanted = rounds + 1;
    let patience = (LIFE * 2).saturating_mul(u32::try_from(wanted).expect("a small number"));
    let run = scene.home.tokenferry(["run", "--json"]).within(patience).spawn();
    let renewals = || scene.provider.record().renewals().count();
    while renewals() < wanted {
        tokio::time::sleep(LOOK).await;
    }
    tokio::time::sleep(LAST_DELIVERY).await;
    run.signal(Signal::TERM);
    let told = run.finish().await.succeeds().stdout;

    let asked = scene.provider.record();
    let asked = asked.renewals().map(|entry| entry.time).chain([Timestamp::now()]);
    let asked: Vec<Timestamp> = asked.take(wanted + 1).collect();
    let read_back: Vec<_> = told.lines().filter_map(delivery).collect();
    let times: Times = waits(&asked, &read_back, VOLUMES).into();
    heading("From a renewal's answer to the last read-back, by tokenferry run", "");
    line(format!("{VOLUMES} volumes"), &times, None);
    remark("Counted from the arrival of the request at the practice provider, so its answer is in it.");
    vec![Target::time("a renewal, read back in all of 100 volumes", AT_MOST, times.median())]
}

/// How long each renewal took from its request until it had arrived in the last of so many volumes. The first is left out, as a
/// process connects to everything then; so is the last, which ends the one before it.
pub(crate) fn waits(asked: &[Timestamp], arrived: &[(Timestamp, String)], volumes: usize) -> Vec<Duration> {
    let waits = asked.windows(2).skip(1).map(|asked| {
        // Events are told in whole milliseconds.
        let time = asked[0] - Duration::from_millis(1)..asked[1];
        let arrived = arrived.iter().filter(|(at, _)| time.contains(at));
        let reached = arrived.clone().map(|(_, volume)| volume.as_str()).collect::<BTreeSet<_>>().len();
        assert_eq!(reached, volumes, "a renewal should reach all volumes before the next one");
        let last = arrived.map(|(at, _)| *at).max().expect("there are some");
        Duration::try_from(last.duration_since(asked[0])).unwrap_or_default()
    });
    waits.collect()
}

/// When and where a line of `run --json` tells of a token that was read back.
pub(crate) fn delivery(line: &str) -> Option<(Timestamp, String)> {
    let event: Value = serde_json::from_str(line).expect("each line should be an event");
    if event["kind"] != "delivered" {
        return None;
    }
    let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{event} should have {name}"));
    Some((text("at").parse().expect("a time"), text("destination").to_owned()))
}
