//! A stand-in of the Kubernetes API for Secrets, over real TLS. It answers only what it knows, as an API server does, and
//! remembers what it had to refuse for being strange: a test ends by looking at that.

mod certificates;
mod secrets;
mod status;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::destinations::kubernetes::{Clusters, Surroundings};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use certificates::Certificates;
pub(crate) use secrets::{Held, Secrets};
pub(crate) use status::Status;

/// The installation that the tests are.
pub(crate) const INSTALLATION: &str = "1f2e3d4c";
/// A token that the stand-in knows, and whose it is.
pub(crate) const TOKEN: &str = "bearer-of-the-service-account";
pub(crate) const SERVICE_ACCOUNT: &str = "system:serviceaccount:team:tokenferry";
/// Who has the certificate.
pub(crate) const PERSON: &str = "somebody@example";

/// What is done just before a request that writes.
type Before = Box<dyn FnOnce(&mut State) + Send>;

/// All that the stand-in knows.
pub(crate) struct State {
    pub(crate) secrets: Secrets,
    pub(crate) namespaces: BTreeSet<String>,
    /// Namespaces that are just ending.
    pub(crate) ending: BTreeSet<String>,
    /// What nobody may do.
    pub(crate) denied: BTreeSet<&'static str>,
    /// For the next requests that write, one for each.
    pub(crate) before: VecDeque<Before>,
    /// Answers in place of real ones, for the next requests that write.
    pub(crate) instead: VecDeque<Status>,
    /// What came, as `VERB content-type query`.
    pub(crate) requests: Vec<String>,
    /// What had to be refused for being strange.
    pub(crate) strange: Vec<String>,
    /// Answers to nothing while this is set.
    pub(crate) hangs: bool,
    /// Who asked last.
    pub(crate) user: String,
}

/// A cluster's API, gone when this is dropped.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    certificates: Certificates,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl StandIn {
    /// One with the namespaces `default` and `team`, and no Secret.
    pub(crate) async fn start() -> Self {
        let certificates = Certificates::make();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            secrets: Secrets::default(),
            namespaces: ["default", "team"].map(str::to_owned).into(),
            ending: BTreeSet::new(),
            denied: BTreeSet::new(),
            before: VecDeque::new(),
            instead: VecDeque::new(),
            requests: Vec::new(),
            strange: Vec::new(),
            hangs: false,
            user: String::new(),
        }));
        let serving = tokio::spawn(serve(listener, certificates.acceptor(), state.clone()));
        Self { address, folder: tempfile::tempdir().unwrap(), certificates, state, serving }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Secret as it is now.
    pub(crate) fn secret(&self, place: &str) -> Option<Held> {
        self.state().secrets.get(place).cloned()
    }

    /// What somebody else does to a Secret by hand.
    pub(crate) fn edit(&self, place: &str, manager: &str, change: impl FnOnce(&mut Value)) {
        self.state().secrets.update(place, manager, change).unwrap();
    }

    /// The parts of a kubeconfig: as this user (`certificate`, `token`, `nobody`, or the lines themselves).
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.kubeconfig_with(user, &format!("https://{}", self.address), &self.certificates.authority())
    }

    pub(crate) fn kubeconfig_with(&self, user: &str, server: &str, authority: &str) -> PathBuf {
        let (certificate, key) = self.certificates.client();
        let user = match user {
            "certificate" => {
                format!("{{client-certificate-data: {}, client-key-data: {}}}", base64(&certificate), base64(&key))
            }
            "token" => format!("{{token: {TOKEN}}}"),
            "nobody" => "{token: of-nobody-here}".to_owned(),
            lines => lines.to_owned(),
        };
        let cluster = if authority.starts_with("insecure") {
            format!("{{server: \"{server}\", {authority}}}")
        } else {
            format!("{{server: \"{server}\", certificate-authority-data: {}}}", base64(authority))
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters:\n- name: lab\n  cluster: {cluster}\ncontexts:\n- \
             name: lab\n  context: {{cluster: lab, user: me}}\nusers:\n- name: me\n  user: {user}\n"
        );
        self.write("kubeconfig", &text)
    }

    /// What every pod of the cluster has, and nothing else.
    pub(crate) fn pod(&self) -> Surroundings {
        self.write("pod/token", TOKEN);
        self.write("pod/ca.crt", &self.certificates.authority());
        Surroundings {
            service: Some((self.address.ip().to_string(), self.address.port())),
            service_account: Some(self.folder.path().join("pod")),
            ..Surroundings::default()
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The cluster as a client with a certificate has it.
    pub(crate) fn clusters(&self) -> Clusters {
        self.clusters_by(&self.kubeconfig("certificate"))
    }

    pub(crate) fn clusters_by(&self, kubeconfig: &Path) -> Clusters {
        let surroundings = Surroundings { kubeconfig: vec![kubeconfig.to_owned()], ..Surroundings::default() };
        Clusters::new(surroundings, INSTALLATION)
    }

    /// Another authority's certificate, which vouches for nobody here.
    pub(crate) fn other_authority() -> String {
        Certificates::make().authority()
    }

    /// That nothing came which an API server would not have known.
    pub(crate) fn assert_nothing_strange(&self) {
        assert_eq!(self.state().strange, Vec::<String>::new());
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, state: Arc<Mutex<State>>) {
    // Connections end with the one that accepts them.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), state.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let has_certificate = stream.get_ref().1.peer_certificates().is_some();
            let answering = service_fn(move |request| answer(request, has_certificate, state.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    has_certificate: bool,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    while state.lock().unwrap_or_else(PoisonError::into_inner).hangs {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let asked = Asked {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(pairs).unwrap_or_default(),
        content: header("content-type"),
        user: match header("authorization").strip_prefix("Bearer ") {
            Some(TOKEN) => Some(SERVICE_ACCOUNT),
            Some(_) => None,
            None => has_certificate.then_some(PERSON),
        },
        body,
    };
    let answered = state.lock().unwrap_or_else(PoisonError::into_inner).answer(&asked);
    let (code, body) = answered.unwrap_or_else(|status| (status.code, status.body));
    let response = Response::builder().status(code).header("content-type", "application/json");
    Ok(response.body(Full::from(body.to_string())).unwrap())
}

/// A request.
struct Asked {
    method: Method,
    path: String,
    query: BTreeMap<String, String>,
    content: String,
    user: Option<&'static str>,
    body: Bytes,
}

type Answered = Result<(u16, Value), Status>;

impl State {
    fn answer(&mut self, asked: &Asked) -> Answered {
        let Some(user) = asked.user else { return Err(Status::unauthorized()) };
        user.clone_into(&mut self.user);
        if let Some(known) = discovery(asked) {
            return known.map(|known| (200, known));
        }
        let names: Vec<_> = asked.path.trim_start_matches('/').split('/').collect();
        let ["api", "v1", "namespaces", namespace, "secrets", name] = names.as_slice() else {
            return Err(self.refuse(asked, "a path that is none of a Secret's"));
        };
        let place = format!("{namespace}/{name}");
        let query: Vec<_> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.requests.push(format!("{} {} {}", asked.method, asked.content, query.join("&")).trim().to_owned());
        let is_write = asked.method != Method::GET;
        if is_write && let Some(before) = self.before.pop_front() {
            before(self);
        }
        if is_write && let Some(instead) = self.instead.pop_front() {
            return Err(instead);
        }
        match asked.method {
            Method::GET => self.get(asked, &place, user),
            Method::PATCH => self.patch(asked, &place, user),
            Method::DELETE => self.delete(asked, &place, user),
            _ => Err(self.refuse(asked, "a method that is not needed")),
        }
    }

    fn get(&mut self, asked: &Asked, place: &str, user: &str) -> Answered {
        if !asked.query.is_empty() || !asked.body.is_empty() {
            return Err(self.refuse(asked, "a get with more than a path"));
        }
        self.may(place, user, "get")?;
        let held = self.secrets.get(place).ok_or_else(|| Status::missing(place))?;
        Ok((200, held.shown(place)))
    }

    fn patch(&mut self, asked: &Asked, place: &str, user: &str) -> Answered {
        let known = ["fieldManager", "fieldValidation", "force"];
        if let Some(unknown) = asked.query.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(self.refuse(asked, &format!("{unknown}, which is not known")));
        }
        if asked.query.get("fieldValidation").is_none_or(|how| how != "Strict") {
            return Err(self.refuse(asked, "no strict validation"));
        }
        let Some(manager) = asked.query.get("fieldManager").filter(|manager| !manager.is_empty()) else {
            return Err(self.refuse(asked, "no field manager"));
        };
        let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
            return Err(self.refuse(asked, "no JSON"));
        };
        let force = asked.query.get("force").map(String::as_str);
        let (namespace, name) = place.split_once('/').unwrap();
        self.may(place, user, "patch")?;
        match (asked.content.as_str(), force) {
            ("application/apply-patch+yaml", None | Some("true")) => {
                let metadata = &body["metadata"];
                if body["apiVersion"] != "v1"
                    || body["kind"] != "Secret"
                    || metadata["name"] != name
                    || metadata["namespace"] != namespace
                {
                    return Err(self.refuse(asked, "an apply that says too little"));
                }
                if self.secrets.get(place).is_none() {
                    self.may(place, user, "create")?;
                    if !self.namespaces.contains(namespace) {
                        return Err(Status::no_namespace(place));
                    }
                    if self.ending.contains(namespace) {
                        return Err(Status::ending_namespace(place));
                    }
                }
                let applied = self.secrets.apply(place, manager, &body, force.is_some());
                let is_new = self.known(asked, applied)?;
                Ok((if is_new { 201 } else { 200 }, self.secrets.get(place).unwrap().shown(place)))
            }
            ("application/merge-patch+json", None) => {
                if self.secrets.get(place).is_none() {
                    return Err(Status::missing(place));
                }
                let merged = self.secrets.update(place, manager, |secret| merge(secret, &body));
                self.known(asked, merged)?;
                Ok((200, self.secrets.get(place).unwrap().shown(place)))
            }
            _ => Err(self.refuse(asked, "a way of patching that is not known, or forced where that can't be")),
        }
    }

    fn delete(&mut self, asked: &Asked, place: &str, user: &str) -> Answered {
        if !asked.query.is_empty() || asked.content != "application/json" {
            return Err(self.refuse(asked, "a delete with a query, or without a content type"));
        }
        let Ok(Value::Object(options)) = serde_json::from_slice::<Value>(&asked.body) else {
            return Err(self.refuse(asked, "a delete without options"));
        };
        if options.keys().any(|name| name != "preconditions") {
            return Err(self.refuse(asked, "options that are not known"));
        }
        let preconditions = &options["preconditions"];
        let (uid, version) = (preconditions["uid"].as_str(), preconditions["resourceVersion"].as_str());
        if uid.is_none() || version.is_none() {
            return Err(self.refuse(asked, "a delete of whatever there is"));
        }
        self.may(place, user, "delete")?;
        self.secrets.delete(place, uid, version)?;
        Ok((200, json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" })))
    }

    fn may(&self, place: &str, user: &str, verb: &'static str) -> Result<(), Status> {
        if self.denied.contains(verb) { Err(Status::forbidden(place, user, verb)) } else { Ok(()) }
    }

    /// Remembers a refusal that says that the request was not one of an API's.
    fn known<T>(&mut self, asked: &Asked, done: Result<T, Status>) -> Result<T, Status> {
        done.map_err(
            |status| if status.code == 400 { self.refuse(asked, &status.body["message"].to_string()) } else { status },
        )
    }

    fn refuse(&mut self, asked: &Asked, why: &str) -> Status {
        self.strange.push(format!("{} {}: {why}", asked.method, asked.path));
        Status::bad(why)
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What kubectl asks before anything: which kinds there are, and whether one of them is there.
fn discovery(asked: &Asked) -> Option<Result<Value, Status>> {
    let kind = |name: &str, kind: &str| {
        json!({ "name": name, "singularName": kind.to_lowercase(), "namespaced": true, "kind": kind,
                "verbs": ["create", "delete", "get", "patch"] })
    };
    let kinds = |group: &str, kinds: Vec<Value>| json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": kinds });
    let group = |name: &str| {
        let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
        json!({ "name": name, "versions": [version], "preferredVersion": version })
    };
    if asked.method != Method::GET {
        return None;
    }
    let names: Vec<_> = asked.path.rsplit('/').collect();
    if let [name, kind, namespace, "namespaces", ..] = names.as_slice()
        && *kind != "secrets"
    {
        let message = format!("{kind} \"{name}\" not found in {namespace}");
        return Some(Err(Status::new(404, "NotFound", &message, json!({ "name": name, "kind": kind }))));
    }
    Some(Ok(match asked.path.as_str() {
        "/version" => json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => {
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group("apps"), group("rbac.authorization.k8s.io")] })
        }
        "/api/v1" => kinds(
            "v1",
            vec![
                kind("pods", "Pod"),
                kind("persistentvolumeclaims", "PersistentVolumeClaim"),
                kind("secrets", "Secret"),
                kind("serviceaccounts", "ServiceAccount"),
            ],
        ),
        "/apis/apps/v1" => kinds("apps/v1", vec![kind("deployments", "Deployment")]),
        "/apis/rbac.authorization.k8s.io/v1" => {
            kinds("rbac.authorization.k8s.io/v1", vec![kind("roles", "Role"), kind("rolebindings", "RoleBinding")])
        }
        _ => return None,
    }))
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub(crate) fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
