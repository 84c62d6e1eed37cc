//! Finding a cluster as kubectl does: the files of `KUBECONFIG`, else `~/.kube/config`, else what a cluster gives each of
//! its pods. Refuses ways on which a token could be read or caught.

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{ClusterError, Stamp};

/// Where a cluster puts what its pods need to speak with it.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What of a process's surroundings says which cluster is meant.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The files of `KUBECONFIG`, in their order.
    pub kubeconfig: Vec<PathBuf>,
    /// The user's home, for `.kube/config`.
    pub home: Option<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, which every pod has.
    pub service: Option<(String, u16)>,
    /// The folder of the pod's service account: `token`, `ca.crt`.
    pub service_account: Option<PathBuf>,
}

/// How to reach a cluster.
pub(super) struct Reach {
    /// How it is called in sentences, at their beginning and within.
    pub(super) shown: String,
    pub(super) config: Config,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let kubeconfig = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let files = std::env::split_paths(&kubeconfig).filter(|path| !path.as_os_str().is_empty());
        let service = std::env::var("KUBERNETES_SERVICE_HOST").ok().filter(|host| !host.is_empty());
        let port = std::env::var("KUBERNETES_SERVICE_PORT").ok().and_then(|port| port.parse().ok());
        Self {
            kubeconfig: files.collect(),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
            service: service.zip(port),
            service_account: Some(PathBuf::from(SERVICE_ACCOUNT)),
        }
    }

    /// How the files look now; a cluster is reached anew when they have changed.
    pub(super) fn stamp(&self) -> Stamp {
        let looked_at = self.files().into_iter().map(|path| {
            let found = std::fs::metadata(&path).ok().and_then(|found| Some((found.modified().ok()?, found.len())));
            (path, found)
        });
        looked_at.collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        if self.kubeconfig.is_empty() {
            self.home.iter().map(|home| home.join(".kube").join("config")).collect()
        } else {
            self.kubeconfig.clone()
        }
    }

    /// Says how to reach the cluster that this context leads to. Sends nothing.
    pub(super) fn resolve(&self, context: Option<&str>) -> Result<Reach, ClusterError> {
        let reach = match self.read()? {
            Some(kubeconfig) => from_kubeconfig(kubeconfig, context)?,
            None if context.is_none() => match self.own_cluster()? {
                Some(reach) => reach,
                None => return Err(ClusterError::NoKubeconfig { looked: self.files() }),
            },
            None => return Err(ClusterError::NoKubeconfig { looked: self.files() }),
        };
        safe(reach)
    }

    /// All files in one; of those that don't exist nothing is said, as kubectl has it. None where that leaves nothing.
    fn read(&self) -> Result<Option<Kubeconfig>, ClusterError> {
        let mut whole = Kubeconfig::default();
        for path in self.files().iter().filter(|path| path.exists()) {
            let more = Kubeconfig::read_from(path).map_err(|error| broken(&error, Some(path)))?;
            whole = whole.merge(more).map_err(|error| broken(&error, Some(path)))?;
        }
        let is_empty = whole.contexts.is_empty() && whole.clusters.is_empty() && whole.current_context.is_none();
        Ok(Some(whole).filter(|_| !is_empty))
    }

    /// The cluster whose pod we run in, as it tells its pods.
    fn own_cluster(&self) -> Result<Option<Reach>, ClusterError> {
        let (Some((host, port)), Some(folder)) = (&self.service, &self.service_account) else { return Ok(None) };
        let (token, authority) = (folder.join("token"), folder.join("ca.crt"));
        if !token.exists() {
            return Ok(None);
        }
        let bad = |what: &str, why: &dyn std::fmt::Display| ClusterError::BadKubeconfig {
            reason: format!("{what} in {} can't be used: {why}", folder.display()),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let address = format!("https://{host}:{port}").parse().map_err(|why| bad("the pod's address", &why))?;
        let pem = std::fs::read(&authority).map_err(|why| bad("ca.crt", &why))?;
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&pem).map(|found| found.map(|der| der.to_vec())).collect();
        let mut config = Config::new(address);
        config.root_cert = Some(certificates.map_err(|why| bad("ca.crt", &why))?);
        // Both are changed now and then by the kubelet, and read again by the minute.
        config.root_cert_file = Some(authority);
        config.auth_info = AuthInfo { token_file: token.to_str().map(str::to_owned), ..AuthInfo::default() };
        Ok(Some(Reach { shown: "Kubernetes (this pod's cluster)".to_owned(), config }))
    }
}

fn from_kubeconfig(kubeconfig: Kubeconfig, context: Option<&str>) -> Result<Reach, ClusterError> {
    let known: Vec<_> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let chosen = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
    let Some(name) = chosen.filter(|name| !name.is_empty()) else {
        return Err(ClusterError::NoContext { known });
    };
    if !known.contains(&name) {
        return Err(ClusterError::UnknownContext { context: name, known });
    }
    let has_proxy = names_a_proxy(&kubeconfig, &name);
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    // Only the outside of it is async.
    let made = futures_util::FutureExt::now_or_never(Config::from_custom_kubeconfig(kubeconfig, &options));
    let unready = || ClusterError::BadKubeconfig { reason: "it could not be read at once".to_owned() };
    let mut config = made.ok_or_else(unready)?.map_err(|error| broken(&error, None))?;
    // kube takes HTTPS_PROXY for every address, and doesn't know NO_PROXY.
    if !has_proxy && Matcher::from_env().intercept(&config.cluster_url).is_none() {
        config.proxy_url = None;
    }
    Ok(Reach { shown: format!("Kubernetes (context \"{name}\")"), config })
}

fn names_a_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let context =
        kubeconfig.contexts.iter().find(|named| named.name == context).and_then(|named| named.context.as_ref());
    let cluster = context.and_then(|context| kubeconfig.clusters.iter().find(|named| named.name == context.cluster));
    let proxy = cluster.and_then(|named| named.cluster.as_ref()).and_then(|cluster| cluster.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// Refuses a way on which others could read what is sent, or take the cluster's place.
fn safe(reach: Reach) -> Result<Reach, ClusterError> {
    let Reach { shown, config } = reach;
    let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_near = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match config.cluster_url.scheme_str() {
        Some("https") if config.accept_invalid_certs => Err(ClusterError::NotVerified { shown }),
        Some("https") => Ok(Reach { shown, config }),
        Some("http") if is_near => Ok(Reach { shown, config }),
        Some("http") => Err(ClusterError::InTheClear { shown }),
        _ => Err(ClusterError::BadKubeconfig {
            reason: format!("\"{}\" is no address of a cluster", config.cluster_url),
        }),
    }
}

/// What is wrong with a kubeconfig. Of one that is no YAML nothing is repeated: it may hold keys and tokens.
fn broken(error: &KubeconfigError, path: Option<&Path>) -> ClusterError {
    let reason = match error {
        KubeconfigError::Parse(_) => {
            path.map_or_else(|| "it is no kubeconfig".to_owned(), |path| format!("{} is no kubeconfig", path.display()))
        }
        KubeconfigError::ReadConfig(why, path) => format!("{} can't be read: {why}", path.display()),
        KubeconfigError::LoadClusterOfContext(name) => format!("the kubeconfig has no cluster \"{name}\""),
        KubeconfigError::LoadCertificateAuthority(LoadDataError::ReadFile(why, path))
        | KubeconfigError::LoadClientCertificate(LoadDataError::ReadFile(why, path))
        | KubeconfigError::LoadClientKey(LoadDataError::ReadFile(why, path)) => {
            format!("{} can't be read: {why}", path.display())
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "the kubeconfig names no address that can be used".to_owned()
        }
        KubeconfigError::ParseProxyUrl(_) => "the proxy has no address that can be used".to_owned(),
        other => other.to_string(),
    };
    ClusterError::BadKubeconfig { reason }
}
