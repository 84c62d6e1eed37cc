//! Speaking with a cluster's API: the four calls that a Secret needs, and what each answer means.
//!
//! What the cluster says is repeated to people only where none of the Secret's content is in it: of a request that it
//! can't read it may print the whole.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, Preconditions};
use kube::client::{AuthError, Body};
use kube::core::{Request, Resource, Status};
use kube::{Client, Error as CallError};
use serde_json::Value;
use zeroize::Zeroizing;

use super::reach::Reach;
use super::stored::Stored;
use super::{ClusterError, FIELD_MANAGER, Rule, SecretPlace};

/// How long a call may take. The API answers for one Secret in some milliseconds; what takes this long hangs.
const CALL: Duration = Duration::from_secs(10);
/// How long a program of the kubeconfig's may take to sign in: some ask their provider over the network.
const SIGN_IN: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes: a Secret of 1 MiB in base64, and the book that is kept of it.
const LONGEST_ANSWER: usize = 8 << 20;

/// A connection to a cluster's API.
pub(super) struct Api {
    client: Client,
    shown: String,
    address: String,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Why something was not written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The Secret is no longer as it was seen, or is gone.
    Changed,
    /// Somebody else keeps what would be written.
    Clash(Vec<Clash>),
    /// Anything else. `uncertain` is whether it may have been done all the same.
    Failed {
        /// What happened.
        error: ClusterError,
        /// Whether it may have been done all the same.
        uncertain: bool,
    },
}

/// A field that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// Its path, such as `.data.token`.
    pub(super) field: String,
    /// Who keeps it.
    pub(super) manager: String,
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Self {
        Self::Failed { error, uncertain: false }
    }
}

/// What was answered.
struct Answer {
    status: u16,
    body: Zeroizing<Vec<u8>>,
}

impl Api {
    /// Makes a connection ready; it is made at the first call. Runs the kubeconfig's program for signing in, if any.
    pub(super) async fn connect(Reach { shown, mut config }: Reach) -> Result<Self, ClusterError> {
        let address = config.cluster_url.to_string();
        config.connect_timeout = Some(CALL);
        config.read_timeout = Some(CALL);
        config.write_timeout = Some(CALL);
        // Whoever delivers tries again by themselves, and knows when.
        config.default_retry = false;
        // It waits for that program by blocking.
        let making = tokio::task::spawn_blocking(move || Client::try_from(config));
        let slow = || ClusterError::SignIn {
            shown: shown.clone(),
            reason: format!("the kubeconfig's program for it took longer than {} seconds", SIGN_IN.as_secs()),
        };
        let broken =
            |why: tokio::task::JoinError| ClusterError::Broken { shown: shown.clone(), reason: why.to_string() };
        let made = tokio::time::timeout(SIGN_IN, making).await.map_err(|_| slow())?.map_err(broken)?;
        let client = made.map_err(|error| from_call(&error, &shown))?;
        Ok(Self { client, shown, address })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether what it signs in with has ended, and can't be renewed by the connection itself.
    pub(super) fn has_ended(&self) -> bool {
        self.client.valid_until().is_some_and(|end| end <= Timestamp::now())
    }

    /// The Secret, if it is there. A namespace that is missing looks the same.
    pub(super) async fn get(&self, place: &SecretPlace) -> Result<Option<Stored>, ClusterError> {
        let request = requests(place).get(&place.name, &GetParams::default());
        let answer = self.send(request).await?;
        match answer.status {
            200 => self.read(&answer).map(Some),
            404 => Ok(None),
            _ => match self.refusal(&answer, place, "get", &[]) {
                Refusal::Failed { error, .. } => Err(error),
                Refusal::Changed | Refusal::Clash(_) => Err(self.puzzled()),
            },
        }
    }

    /// Server-side apply. Creates the Secret if it is missing. `force` takes over what others keep.
    pub(super) async fn apply(&self, place: &SecretPlace, body: &Value, force: bool) -> Result<Stored, Refusal> {
        let params = PatchParams { force, ..PatchParams::apply(FIELD_MANAGER).validation_strict() };
        self.patch(place, &params, &Patch::Apply(body)).await
    }

    /// Changes just what is said, whoever keeps it.
    pub(super) async fn merge(&self, place: &SecretPlace, body: &Value) -> Result<Stored, Refusal> {
        let params = PatchParams::apply(FIELD_MANAGER).validation_strict();
        self.patch(place, &params, &Patch::Merge(body)).await
    }

    async fn patch(&self, place: &SecretPlace, params: &PatchParams, patch: &Patch<&Value>) -> Result<Stored, Refusal> {
        let (Patch::Apply(body) | Patch::Merge(body)) = patch else { return Err(self.puzzled().into()) };
        let answer = self.send(requests(place).patch(&place.name, params, patch)).await.map_err(maybe_done)?;
        match answer.status {
            200 | 201 => self.read(&answer).map_err(|error| Refusal::Failed { error, uncertain: true }),
            _ => Err(self.refusal(&answer, place, "patch", &contents(body))),
        }
    }

    /// Deletes the Secret, if it still is this one in this state.
    pub(super) async fn delete(&self, place: &SecretPlace, seen: &Stored) -> Result<(), Refusal> {
        let preconditions =
            Preconditions { uid: Some(seen.uid().to_owned()), resource_version: Some(seen.version().to_owned()) };
        let params = DeleteParams::default().preconditions(preconditions);
        let answer = self.send(requests(place).delete(&place.name, &params)).await.map_err(maybe_done)?;
        match answer.status {
            200 | 202 => Ok(()),
            _ => Err(self.refusal(&answer, place, "delete", &[])),
        }
    }

    async fn send(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Answer, ClusterError> {
        let request = request.map_err(|why| self.broken(&why))?;
        let talk = async {
            let response =
                self.client.send(request.map(Body::from)).await.map_err(|error| from_call(&error, &self.shown))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            let body = body.map_err(|why| self.broken(&why))?.to_bytes();
            Ok(Answer { status, body: Zeroizing::new(body.to_vec()) })
        };
        let late = ClusterError::Hangs { shown: self.shown.clone() };
        tokio::time::timeout(CALL, talk).await.unwrap_or(Err(late))
    }

    fn read(&self, answer: &Answer) -> Result<Stored, ClusterError> {
        // Why it can't be read is not told: serde_json may repeat what it read.
        serde_json::from_slice(&answer.body).map_err(|_| self.puzzled())
    }

    fn puzzled(&self) -> ClusterError {
        ClusterError::Broken { shown: self.shown.clone(), reason: "its answer is none of a cluster's".to_owned() }
    }

    fn broken(&self, why: &dyn std::fmt::Display) -> ClusterError {
        ClusterError::Broken { shown: self.shown.clone(), reason: why.to_string() }
    }

    /// What a refusal means. `sent` is the content that the request had, in base64.
    fn refusal(&self, answer: &Answer, place: &SecretPlace, verb: &'static str, sent: &[&str]) -> Refusal {
        let said: Status = serde_json::from_slice(&answer.body).unwrap_or_default();
        let causes = said.details.iter().flat_map(|details| &details.causes);
        let has_cause = |reason: &str| causes.clone().any(|cause| cause.reason == reason);
        let shown = || self.shown.clone();
        let missing = || ClusterError::NamespaceMissing { shown: shown(), namespace: place.namespace.clone() };
        let is_about_namespace = said.details.as_ref().is_some_and(|details| details.kind == "namespaces");
        let error = match answer.status {
            401 => ClusterError::Unauthorized { shown: shown() },
            403 if has_cause("NamespaceTerminating") => missing(),
            403 if said.message.contains(" cannot ") => forbidden(&said.message, place, verb),
            404 if is_about_namespace => missing(),
            404 => return Refusal::Changed,
            409 if has_cause("FieldManagerConflict") => {
                let clashes = causes.filter(|cause| cause.reason == "FieldManagerConflict").map(|cause| Clash {
                    field: cause.field.clone(),
                    manager: cause.message.split('"').nth(1).unwrap_or("somebody else").to_owned(),
                });
                return Refusal::Clash(clashes.collect());
            }
            409 => return Refusal::Changed,
            413 => ClusterError::TooLarge { place: place.root() },
            422 if has_cause("FieldValueTooLong") => ClusterError::TooLarge { place: place.root() },
            422 if said.message.contains("immutable") => ClusterError::Immutable { place: place.root() },
            status => {
                let attempt = match verb {
                    "get" => "show the Secret",
                    "delete" => "delete the Secret",
                    _ => "change the Secret",
                };
                ClusterError::Refused { shown: shown(), attempt, reason: told(status, &said, sent) }
            }
        };
        // A server that failed may have done it before.
        Refusal::Failed { error, uncertain: answer.status >= 500 && verb != "get" }
    }
}

/// What the cluster said, if it may be repeated, as a sentence.
fn told(status: u16, said: &Status, sent: &[&str]) -> String {
    let message = said.message.trim();
    // Of what it could not read or take, it may print anything, in any form.
    let is_about_content = matches!(status, 400 | 415 | 422);
    if message.is_empty() || is_about_content || sent.iter().any(|sent| message.contains(sent)) {
        let fields: Vec<_> =
            said.details.iter().flat_map(|details| &details.causes).map(|cause| cause.field.as_str()).collect();
        return match fields.as_slice() {
            [] => format!("it answered with {status} {}.", said.reason).replace(" .", "."),
            fields => format!("it answered with {status} {} about {}.", said.reason, fields.join(", ")),
        };
    }
    message.to_owned()
}

/// The right that is lacking, as the cluster names it, and whose.
fn forbidden(message: &str, place: &SecretPlace, asked: &str) -> ClusterError {
    let who =
        message.split_once("User \"").and_then(|(_, rest)| rest.split_once('"')).map(|(who, _)| format!("\"{who}\""));
    // An apply that creates needs two rights, and only the message says which is the one.
    let verb =
        message.split_once(" cannot ").and_then(|(_, rest)| rest.split_once(' ')).map_or(asked, |(verb, _)| verb);
    let rule = Rule { verb: verb.to_owned(), namespace: place.namespace.clone(), name: place.name.clone() };
    ClusterError::Forbidden { who, rule: Box::new(rule) }
}

/// The content that a request has, in base64.
fn contents(body: &Value) -> Vec<&str> {
    let data = body.get("data").and_then(Value::as_object);
    data.into_iter()
        .flatten()
        .filter_map(|(_, content)| content.as_str())
        .filter(|content| !content.is_empty())
        .collect()
}

fn requests(place: &SecretPlace) -> Request {
    Request::new(Secret::url_path(&(), Some(&place.namespace)))
}

/// A call that failed on its way. Only where no connection came about was surely nothing done.
fn maybe_done(error: ClusterError) -> Refusal {
    let uncertain = matches!(error, ClusterError::Hangs { .. } | ClusterError::Broken { .. });
    Refusal::Failed { error, uncertain }
}

/// The class of a call that got no answer.
fn from_call(error: &CallError, shown: &str) -> ClusterError {
    let shown = shown.to_owned();
    match error {
        CallError::Auth(why) => return ClusterError::SignIn { shown, reason: sign_in_reason(why) },
        CallError::RustlsTls(why) => return ClusterError::Tls { shown, reason: why.to_string() },
        CallError::ProxyProtocolUnsupported { .. } | CallError::ProxyProtocolDisabled { .. } => {
            return ClusterError::BadKubeconfig { reason: "its proxy is of a kind that can't be used".to_owned() };
        }
        CallError::InferKubeconfig(_) => {
            return ClusterError::BadKubeconfig { reason: "its certificate or key can't be read".to_owned() };
        }
        _ => {}
    }
    for cause in causes(error) {
        if let Some(why) = cause.downcast_ref::<AuthError>() {
            return ClusterError::SignIn { shown, reason: sign_in_reason(why) };
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return tls(error, shown);
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind;
            let reason = match error.kind() {
                ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
                ErrorKind::TimedOut => return ClusterError::Hangs { shown },
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it".to_owned(),
                _ => continue,
            };
            return ClusterError::Unreachable { shown, reason };
        }
    }
    let last = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    if causes(error).any(|cause| cause.to_string().contains("dns error")) {
        return ClusterError::Unreachable { shown, reason: "its name is not known here".to_owned() };
    }
    ClusterError::Broken { shown, reason: last }
}

/// Why who we are could not be shown. What such a program printed is not repeated: it may be a token.
fn sign_in_reason(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(why) => format!("the kubeconfig's program for it can't be run: {why}"),
        AuthError::AuthExecRun { status, .. } => format!("the kubeconfig's program for it ended with {status}"),
        AuthError::AuthExecParse(_) => "the kubeconfig's program for it printed something else".to_owned(),
        AuthError::ReadTokenFile(why, path) => format!("{} can't be read: {why}", path.display()),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => "its token is none".to_owned(),
        AuthError::AuthExec(_) | AuthError::ExecPluginFailed => "the kubeconfig's program for it failed".to_owned(),
        other => other.to_string(),
    }
}

/// What is wrong with an encrypted connection.
fn tls(error: &rustls::Error, shown: String) -> ClusterError {
    use rustls::{AlertDescription as Alert, CertificateError as Bad, Error};
    let reason = match error {
        // The cluster asked for a certificate of ours, and this is how it says no to it.
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRevoked
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => return ClusterError::Unauthorized { shown },
        Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "its certificate is not from the authority that the kubeconfig names"
        }
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another host"
        }
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => "its certificate has ended",
        Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "its certificate is not valid yet"
        }
        other => return ClusterError::Tls { shown, reason: other.to_string() },
    };
    ClusterError::Tls { shown, reason: reason.to_owned() }
}

/// An error and what caused it, outermost first. An error of the system's may be another one in its clothes.
fn causes<'a>(error: &'a CallError) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| {
        let within = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        within.map(|within| within as &(dyn std::error::Error + 'static)).or_else(|| error.source())
    })
}
