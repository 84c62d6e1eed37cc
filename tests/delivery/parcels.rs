//! Short words for parcels, and a `Docker` on the tests' engine.

use bed::TestEngine;
use engine::destinations::docker::{Docker, EngineChoice, Environment, resolve};
use engine::destinations::{Change, OwnerChoice, Parcel, ParcelFile, Receipt, Undelivered};
use engine::secret::SecretBytes;

/// The file that is delivered where a test doesn't say otherwise.
pub(crate) const FILE: &str = ".credentials.json";

/// The tests' engine, for an installation.
pub(crate) fn docker_of(installation: &str) -> Docker {
    let choice = EngineChoice::Host(TestEngine::get().host().to_owned());
    Docker::new(resolve(&choice, &Environment::default()).unwrap(), installation).unwrap()
}

/// The tests' engine, for an installation that no other test has.
pub(crate) fn docker() -> Docker {
    docker_of(&random())
}

pub(crate) fn random() -> String {
    let mut bytes = [0_u8; 6];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn file(path: &str, compose: impl Fn(Option<&[u8]>) -> Change + Send + Sync + 'static) -> ParcelFile {
    ParcelFile { path: path.to_owned(), mode: 0o600, compose: Box::new(move |existing| Ok(compose(existing))) }
}

pub(crate) fn writing(path: &str, bytes: &[u8]) -> ParcelFile {
    let bytes = bytes.to_vec();
    file(path, move |_| Change::Write(SecretBytes::new(bytes.clone())))
}

/// A parcel named after its volume.
pub(crate) fn parcel(volume: &str, files: impl IntoIterator<Item = ParcelFile>) -> Parcel {
    Parcel {
        destination: volume.to_owned(),
        root: volume.to_owned(),
        owner: OwnerChoice::Auto,
        files: files.into_iter().collect(),
    }
}

/// Carries one parcel.
pub(crate) async fn carry(docker: &Docker, parcel: Parcel) -> Result<Receipt, Undelivered> {
    docker.carry(vec![parcel]).await.remove(0).1
}

/// Carries one parcel that can't arrive, and answers with the error's code.
pub(crate) async fn refused(docker: &Docker, parcel: Parcel) -> &'static str {
    carry(docker, parcel).await.expect_err("it should not arrive").error.code()
}
