//! A home with a place of each kind, each empty.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use bed::steps::sign_in;
use bed::{Home, Provider, TestEngine};
use engine::settings;

use crate::place::{Place, kinds};

/// Somebody who is signed in, and may reach every place.
pub(crate) struct Scene {
    pub(crate) provider: Provider,
    pub(crate) home: Home,
    /// A kind's option, a sample of the kind, and the place.
    pub(crate) places: Vec<(&'static str, settings::Place, Place)>,
}

impl Scene {
    pub(crate) async fn set(engine: &TestEngine) -> Self {
        let provider = Provider::start();
        let mut key = [0; 32];
        getrandom::fill(&mut key).unwrap();
        let key = BASE64_URL_SAFE.encode(key);
        let mut home = Home::new().provider(&provider).engine(engine).set("CLAUDE_TOKEN_ENCRYPTION_KEY", &key);
        let mut places = Vec::new();
        for (kind, sample) in kinds() {
            let place = Place::of(kind, engine, &key).await;
            match &place {
                Place::Kubernetes(cluster) => home = home.set("KUBECONFIG", cluster.kubeconfig("certificate")),
                Place::Postgres(cluster, _) => {
                    home.tokenferry(["postgres", "init", &cluster.by_socket()]).run().await.succeeds();
                }
                Place::Volume(_) | Place::Directory(_) => {}
            }
            places.push((kind, sample, place));
        }
        sign_in(&home).await;
        Self { provider, home, places }
    }
}
