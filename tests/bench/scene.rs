//! Somebody who is signed in at the practice provider and delivers into volumes; and the delivery by itself.

use std::time::{Duration, Instant};

use bed::{Home, Provider, TestEngine, Tokenferry, Volume};
use engine::{
    destinations::{
        Change, OwnerChoice, Parcel, ParcelFile,
        docker::{Docker, EngineChoice, Environment, resolve},
    },
    secret::SecretBytes,
};
use practice::Options;

/// A home with a sign-in, and its destinations.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) provider: Provider,
    pub(crate) volumes: Vec<Volume>,
}

impl Scene {
    /// Signs in, with the encrypted file as vault, and approves of that many fresh volumes.
    pub(crate) async fn with_volumes(engine: &TestEngine, count: usize) -> Self {
        Self::with_options(engine, count, Options::default()).await
    }

    /// As [`Scene::with_volumes`], at a provider with these options.
    pub(crate) async fn with_options(engine: &TestEngine, count: usize, options: Options) -> Self {
        let provider = Provider::start_with(Options { automatic: true, ..options });
        let home = Home::new().provider(&provider).engine(engine);
        home.tokenferry(["login"]).run().await.succeeds();
        let mut volumes = Vec::new();
        for number in 0..count {
            let volume = engine.volume().await;
            let name = format!("volume-{number}");
            home.tokenferry(["destination", "add", &name, "--volume", volume.name()]).run().await.succeeds();
            volumes.push(volume);
        }
        Self { home, provider, volumes }
    }

    /// `tokenferry sync`: a whole process that delivers to all of them.
    pub(crate) async fn sync(&self) -> Duration {
        timed(self.home.tokenferry(["sync"])).await
    }
}

/// How long a program takes from its start to its end, which should be a good one.
pub(crate) async fn timed(program: Tokenferry) -> Duration {
    let begun = Instant::now();
    let output = program.run().await;
    let took = begun.elapsed();
    output.succeeds();
    took
}

/// The engine, as Tokenferry speaks with it, for an installation of its own.
pub(crate) fn docker(engine: &TestEngine) -> Docker {
    let choice = EngineChoice::Host(engine.host().to_owned());
    let reach = resolve(&choice, &Environment::default()).expect("the engine's address is good");
    Docker::new(reach, "tokenferry-bench").expect("the engine should be there")
}

/// A delivery into volumes by one courier, without a process of its own, an account or a journal.
pub(crate) async fn carry(docker: &Docker, volumes: impl IntoIterator<Item = &Volume>) -> Duration {
    let parcels = volumes.into_iter().map(parcel).collect();
    let begun = Instant::now();
    let settled = docker.carry(parcels).await;
    let took = begun.elapsed();
    for (volume, settled) in settled {
        assert!(settled.is_ok(), "{volume}: {settled:?}");
    }
    took
}

/// As large as a file of credentials, and beside the one that `sync` looks after.
fn parcel(volume: &Volume) -> Parcel {
    const SIZE: usize = 400;
    let file = ParcelFile {
        path: "alone.json".to_owned(),
        mode: 0o600,
        compose: Box::new(|_| Ok(Change::Write(SecretBytes::new(vec![b'x'; SIZE])))),
    };
    let name = volume.name().to_owned();
    Parcel { destination: name.clone(), root: name, owner: OwnerChoice::Auto, files: vec![file] }
}
