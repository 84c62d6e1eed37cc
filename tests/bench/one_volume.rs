//! One volume: a delivery against the ways by hand.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use bed::{TestEngine, Tokenferry, Volume};

use crate::{
    report::{Target, heading, line, remark},
    scene::{Scene, carry, docker, timed},
    shell,
    turns::take_turns,
};

/// The file that is delivered.
pub(crate) const FILE: &str = ".credentials.json";
/// A delivery also looks at what is there, keeps what isn't ours, and reads back; it may cost this much more.
const AT_MOST: f64 = 1.25;

/// The ways, in the order of their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Run,
    Copy,
    Sync,
    Carry,
    Disk,
}

/// What each way works with. One volume serves all that is done by hand.
struct Stand {
    scene: Scene,
    by_hand: Volume,
    docker: engine::destinations::docker::Docker,
    image: String,
    /// What Tokenferry delivers.
    content: Vec<u8>,
    /// The same, in a file to copy.
    copy: PathBuf,
    /// The volume's folder on this machine's disk.
    folder: PathBuf,
}

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(engine: &TestEngine, rounds: usize) -> Vec<Target> {
    let mut ways = vec![Way::Run, Way::Copy, Way::Sync, Way::Carry, Way::Disk];
    let mut remarks = Vec::new();
    let stand = Stand::set_up(engine, &mut ways, &mut remarks).await;
    let times = take_turns(&ways, rounds, async |way| stand.once(way).await).await;

    let measured: Vec<_> = ways.into_iter().zip(times).collect();
    let rival = measured.iter().find_map(|(way, times)| (*way == Way::Run).then(|| times.clone()));
    heading("One volume", if rival.is_some() { "times docker run" } else { "" });
    for (way, times) in &measured {
        line(way.name(), times, rival.as_ref().map(|rival| times.ratio_to(rival)));
    }
    remarks.iter().for_each(|words| remark(words));
    let sync = measured.iter().find(|(way, _)| *way == Way::Sync);
    let ratio = sync.zip(rival).map(|((_, sync), rival)| sync.ratio_to(&rival));
    ratio.map(|ratio| Target::ratio("one volume, as against docker run", AT_MOST, ratio)).into_iter().collect()
}

/// The image for what is done with docker; or why that can't be done here, in a sentence.
pub(crate) async fn rival(engine: &TestEngine) -> Result<String, String> {
    let asked = Command::new("docker").arg("--version").output();
    asked.map_err(|why| format!("The docker command can't be run ({why})."))?;
    shell::image(engine).await
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Run => "docker run --rm -i … sh -c 'cat > …'",
            Self::Copy => "docker create, docker cp, docker rm",
            Self::Sync => "tokenferry sync",
            Self::Carry => "the delivery in it alone, without the process",
            Self::Disk => "a write to the volume's folder, as root",
        }
    }
}

impl Stand {
    /// Takes ways that are not to be had here out of `ways`, and says why in `remarks`.
    async fn set_up(engine: &TestEngine, ways: &mut Vec<Way>, remarks: &mut Vec<String>) -> Self {
        let scene = Scene::with_volumes(engine, 1).await;
        scene.sync().await;
        let content = scene.volumes[0].read(FILE).await.contents().to_vec();
        let copy = scene.home.path().join("copy");
        fs::write(&copy, &content).expect("a file should be written");
        let by_hand = engine.volume().await;
        let facts = engine.docker().inspect_volume(by_hand.name()).await.expect("the volume should be there");
        let folder = PathBuf::from(facts.mountpoint);
        let image = rival(engine).await.unwrap_or_else(|why| {
            ways.retain(|way| !matches!(way, Way::Run | Way::Copy));
            remarks.push(format!("{why} So docker run and docker cp are left out."));
            String::new()
        });
        if let Err(why) = fs::write(folder.join(FILE), &content) {
            ways.retain(|way| *way != Way::Disk);
            remarks.push(format!("The volume's folder can't be written from here ({why}), so that is left out."));
        }
        Self { scene, by_hand, docker: docker(engine), image, content, copy, folder }
    }

    async fn once(&self, way: Way) -> Duration {
        match way {
            Way::Run => {
                let cat = format!("cat > /auth/{FILE}");
                let run = ["run", "--rm", "--interactive", "--volume", &self.mount(), &self.image, "sh", "-c", &cat];
                timed(self.docker_cli(&run).input(self.content.clone())).await
            }
            Way::Copy => self.copy_in().await,
            Way::Sync => self.scene.sync().await,
            Way::Carry => carry(&self.docker, [&self.by_hand]).await,
            Way::Disk => {
                let begun = Instant::now();
                fs::write(self.folder.join(FILE), &self.content).expect("the folder could be written before");
                begun.elapsed()
            }
        }
    }

    /// Into a container that is made for that.
    async fn copy_in(&self) -> Duration {
        let begun = Instant::now();
        let created = self.docker_cli(&["create", "--volume", &self.mount(), &self.image, "sh"]).run().await.succeeds();
        let id = created.stdout.trim();
        let copy = self.copy.to_str().expect("a plain path");
        self.docker_cli(&["cp", "--quiet", copy, &format!("{id}:/auth/{FILE}")]).run().await.succeeds();
        self.docker_cli(&["rm", id]).run().await.succeeds();
        begun.elapsed()
    }

    fn mount(&self) -> String {
        format!("{}:/auth", self.by_hand.name())
    }

    fn docker_cli(&self, arguments: &[&str]) -> Tokenferry {
        self.scene.home.program("docker", arguments)
    }
}
