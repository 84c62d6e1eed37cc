//! Many volumes: what a hundred cost in one call, as against one.

use std::time::Duration;

use bed::{TestEngine, Volume};
use engine::destinations::docker::Docker;

use crate::{
    report::{Target, heading, line},
    scene::{Scene, carry, docker},
    turns::take_turns,
};

/// How many at once.
const COUNTS: [usize; 3] = [1, 10, 100];
/// However many there are, one courier brings them all.
const AT_MOST: f64 = 2.0;

/// The whole process, or the delivery alone.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    Sync(&'a Scene),
    Carry(&'a Docker, &'a [Volume]),
}

impl Way<'_> {
    async fn once(self) -> Duration {
        match self {
            Self::Sync(scene) => scene.sync().await,
            Self::Carry(docker, volumes) => carry(docker, volumes).await,
        }
    }
}

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(engine: &TestEngine, rounds: usize) -> Vec<Target> {
    let docker = docker(engine);
    let mut scenes = Vec::new();
    for count in COUNTS {
        scenes.push(Scene::with_volumes(engine, count).await);
    }
    let whole = scenes.iter().map(Way::Sync);
    let alone = scenes.iter().map(|scene| Way::Carry(&docker, &scene.volumes));
    let ways: Vec<_> = whole.chain(alone).collect();
    let times = take_turns(&ways, rounds, async |way: Way<'_>| way.once().await).await;

    heading("Many volumes in one call", "times one volume");
    for (name, times) in ["tokenferry sync", "the delivery alone"].iter().zip(times.chunks(COUNTS.len())) {
        for (count, counted) in COUNTS.iter().zip(times) {
            line(format!("{name}, {}", volumes(*count)), counted, Some(counted.ratio_to(&times[0])));
        }
    }
    vec![Target::ratio("100 volumes in one call, as against one", AT_MOST, times[2].ratio_to(&times[0]))]
}

fn volumes(count: usize) -> String {
    if count == 1 { "1 volume".to_owned() } else { format!("{count} volumes") }
}
