//! The Docker Engine that tests deliver into. It has to be named, so that nobody's own volumes are touched by accident;
//! `make test` starts a private one.

use std::{collections::HashMap, env, fs::File, thread, time::Duration};

use bollard::{
    Docker, body_full,
    errors::Error,
    models::{ContainerSummary, VolumeCreateRequest},
    query_parameters::{CreateImageOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::runtime;

use crate::{
    container::{Container, Run},
    programs,
    volume::Volume,
};

/// The variable that names the engine.
const VARIABLE: &str = "TOKENFERRY_TEST_ENGINE";

/// Clearing a container away takes up to 10 s where it does not end by itself; an engine that a test holds still never
/// gets done with it.
const CLEAN_UP: Duration = Duration::from_secs(20);

/// Marks every container of the bed, so that tests can tell them from the product's.
pub(crate) const LABEL: &str = "tokenferry.bed";

/// A connection to the engine that the tests may use.
#[derive(Debug, Clone)]
pub struct TestEngine {
    host: String,
    docker: Docker,
}

impl TestEngine {
    /// The engine that `TOKENFERRY_TEST_ENGINE` names.
    ///
    /// # Panics
    /// Where it names none; says what to do.
    #[must_use]
    pub fn get() -> Self {
        let host = env::var(VARIABLE).unwrap_or_default();
        assert!(
            !host.is_empty(),
            "{VARIABLE} names no Docker Engine. Run `make test`, or one test by `setup/with-engine cargo test NAME`: \
             both start a private one."
        );
        Self::at(&host)
    }

    /// Another engine. It should be a test's own.
    ///
    /// # Panics
    /// Where this is no address, or there is no socket.
    #[must_use]
    pub fn at(host: &str) -> Self {
        let docker = Docker::connect_with_host(host).unwrap_or_else(|error| panic!("{host}: {error}"));
        Self { host: host.to_owned(), docker }
    }

    /// Its address, as in `DOCKER_HOST`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The engine's API.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// A fresh, empty volume with a random name.
    pub async fn volume(&self) -> Volume {
        self.volume_with([]).await
    }

    /// A fresh volume of the local driver with these options, as `docker volume create --opt` takes them.
    pub async fn volume_with(&self, options: impl IntoIterator<Item = (&str, &str)>) -> Volume {
        self.make(random_name(), options, []).await
    }

    /// A fresh, empty volume with a name of the test's choice, as another engine may have one of the same name.
    pub async fn volume_named(&self, name: &str) -> Volume {
        self.make(name.to_owned(), [], []).await
    }

    /// The same with labels.
    pub async fn volume_labelled(&self, name: &str, labels: impl IntoIterator<Item = (&str, &str)>) -> Volume {
        self.make(name.to_owned(), [], labels).await
    }

    async fn make(
        &self,
        name: String,
        options: impl IntoIterator<Item = (&str, &str)>,
        labels: impl IntoIterator<Item = (&str, &str)>,
    ) -> Volume {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let wanted = VolumeCreateRequest {
            name: Some(name.clone()),
            driver_opts: Some(options.into_iter().map(owned).collect()),
            labels: Some(labels.into_iter().map(owned).collect()),
            ..VolumeCreateRequest::default()
        };
        self.docker.create_volume(wanted).await.expect("a volume should be made");
        Volume::new(self.clone(), name)
    }

    /// A name that no volume has, with a guard that removes the volume should somebody make it.
    #[must_use]
    pub fn missing_volume(&self) -> Volume {
        Volume::new(self.clone(), random_name())
    }

    /// Creates a container without starting it.
    pub async fn create(&self, run: Run) -> Container {
        Container::create(self.clone(), run).await
    }

    /// Creates and starts a container.
    pub async fn run(&self, run: Run) -> Container {
        let container = self.create(run).await;
        container.start().await;
        container
    }

    /// Every container, running or not, of the bed or not.
    pub async fn containers(&self) -> Vec<ContainerSummary> {
        let options = ListContainersOptionsBuilder::default().all(true).build();
        self.docker.list_containers(Some(options)).await.expect("containers should be listed")
    }

    /// The practice app's image, imported where it is missing; its name with its tag.
    pub async fn app_image(&self) -> String {
        let tar = practice::app::image_tar().expect("containers are tested on Linux, where the practice app is built");
        self.import("tokenferry-bed/practice-app", tar).await
    }

    /// Imports a root file system, unless that was done before, and returns the image's name with its tag.
    pub async fn import(&self, repository: &str, tar: Vec<u8>) -> String {
        let digest = Sha256::digest(&tar);
        let tag: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{repository}:{tag}");
        // Test processes run side by side, and of two imports of one tag one may fail.
        let turn = File::create(programs::folder().join("bed-import.lock")).expect("a lock file");
        let turn = tokio::task::spawn_blocking(move || turn.lock().map(|()| turn)).await.expect("no panic");
        let _turn = turn.expect("the lock should be had");
        if self.docker.inspect_image(&name).await.is_err() {
            // podman overlooks a tag that stands by itself.
            let options = CreateImageOptionsBuilder::default().from_src("-").repo(&name).tag(&tag).build();
            let import = self.docker.create_image(Some(options), Some(body_full(tar.into())), None);
            import.try_collect::<Vec<_>>().await.expect("the image should be imported");
        }
        name
    }

    /// Does something at the engine and waits for it, from a drop: beside any runtime, and also while a panic unwinds.
    pub(crate) fn clean_up<W, F>(&self, work: W)
    where
        W: FnOnce(Docker) -> F + Send,
        F: Future<Output = Result<(), Error>>,
    {
        // A connection belongs to the runtime that made it.
        let docker = match Docker::connect_with_host(&self.host) {
            Ok(docker) => docker.with_timeout(CLEAN_UP),
            // A test's own engine may be gone by now, with all that was in it.
            Err(error) => return eprintln!("not cleaned up: {error}"),
        };
        let done = thread::scope(|scope| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            scope.spawn(move || runtime.block_on(work(docker))).join()
        });
        match done {
            Ok(Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. })) => {}
            // A panic in a drop during a panic would abort the other tests.
            Ok(Err(error)) => eprintln!("not cleaned up: {error}"),
            Err(_) => eprintln!("not cleaned up: the clean-up panicked"),
        }
    }
}

/// Removes a container, running or not. What is removed in the very moment of its creation may still be held up by a
/// `run` that has just heard of it, and the engine fails over its folder then; asked again, it succeeds.
pub(crate) async fn remove_container(docker: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match docker.remove_container(id, Some(options.clone())).await {
        Err(Error::DockerResponseServerError { status_code: 500, .. }) => {
            docker.remove_container(id, Some(options)).await
        }
        done => done,
    }
}

/// A name that nobody else uses.
fn random_name() -> String {
    let mut bytes = [0_u8; 6];
    getrandom::fill(&mut bytes).expect("the system should give random bytes");
    bytes.iter().fold("tokenferry-bed-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

/// A filter of the engine's lists.
pub(crate) fn filter(name: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([(name.to_owned(), vec![value.to_owned()])])
}
