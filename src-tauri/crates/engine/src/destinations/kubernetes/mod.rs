//! Delivery into a Secret of a Kubernetes cluster, which the kubelets then publish into running pods by themselves.
//!
//! A file is a key of the Secret ([`key_of`]). Keys are written by server-side apply, as a field manager of our own, so
//! that the cluster itself keeps book of which keys are ours; all others stay as they are. Each write says which state
//! of the Secret it was composed for, and is refused by the cluster if that is no longer the one.
//!
//! The `kube` crate reads the kubeconfig, signs in and speaks TLS. Its own calls log whole answers that it can't read
//! (`Client::request`), and answers hold tokens here; so requests go through `Client::send`, and are read by us.

mod api;
mod carry;
mod decision;
mod fault;
mod manifests;
mod place;
mod reach;
mod stored;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Mutex;

use api::Api;
pub use fault::{ClusterError, Rule};
pub use manifests::{Mounted, Wish, manifests};
pub use place::{SecretPlace, key_of};
pub use reach::Surroundings;

/// The name under which the cluster keeps book of what is ours.
pub const FIELD_MANAGER: &str = "tokenferry";
/// The label of a Secret that we made, and its value.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "tokenferry");
/// Says which installation keeps a Secret fresh: a random number that is no secret.
pub const INSTALLATION_ANNOTATION: &str = "tokenferry.installation";
/// Says which keys are ours, and for which destination: `KEY=DESTINATION,…`.
pub const KEYS_ANNOTATION: &str = "tokenferry.keys";

/// The clusters that a kubeconfig leads to, or the one that we run in: each connected to once, and anew when the
/// kubeconfig has changed.
#[derive(Debug)]
pub struct Clusters {
    surroundings: Surroundings,
    installation: String,
    known: Mutex<BTreeMap<Option<String>, Known>>,
}

/// A cluster that was connected to, and how the files looked then.
#[derive(Debug)]
struct Known {
    stamp: Stamp,
    cluster: Arc<Cluster>,
}

/// How the files looked that say how to reach a cluster.
type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Clusters {
    /// Nothing is read or sent yet. `installation` is an identifier of this installation that is no secret and never
    /// changes: by it we know which Secrets are ours.
    pub fn new(surroundings: Surroundings, installation: &str) -> Self {
        Self { surroundings, installation: installation.to_owned(), known: Mutex::default() }
    }

    /// The cluster that this context leads to; none is the current context, or without a kubeconfig the cluster whose
    /// pod we run in. A program that the kubeconfig names to sign in is run here; nothing is sent to the cluster.
    ///
    /// # Errors
    /// Where the kubeconfig doesn't lead to a cluster, see [`ClusterError`].
    pub async fn cluster(&self, context: Option<&str>) -> Result<Arc<Cluster>, ClusterError> {
        let context = context.map(str::to_owned);
        let stamp = self.surroundings.stamp();
        let mut known = self.known.lock().await;
        if let Some(before) = known.get(&context)
            && before.stamp == stamp
            && !before.cluster.api.has_ended()
        {
            return Ok(before.cluster.clone());
        }
        let reach = self.surroundings.resolve(context.as_deref())?;
        let cluster = Arc::new(Cluster { api: Api::connect(reach).await?, installation: self.installation.clone() });
        known.insert(context, Known { stamp, cluster: cluster.clone() });
        Ok(cluster)
    }
}

/// A cluster. Calls may run at the same time. Two processes of one installation should take turns on a cluster, by a lock
/// of their own: a Secret that is there is guarded by its version, but two that make it at once lose keys.
#[derive(Debug)]
pub struct Cluster {
    api: Api,
    installation: String,
}

impl Cluster {
    /// How it is called in sentences.
    pub fn shown(&self) -> &str {
        self.api.shown()
    }

    /// Its address, by which one cluster is known under two names.
    pub fn address(&self) -> &str {
        self.api.address()
    }
}
