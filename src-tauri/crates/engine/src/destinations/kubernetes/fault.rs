//! What goes wrong between us and a cluster, by what to do next. Nothing of a Secret's content is in any of it.

use std::fmt;
use std::path::PathBuf;

use crate::destinations::{ComposeError, NextStep};

/// Why a Secret can't be kept fresh. `Display` says what happened, [`fix`](Self::fix) what to do,
/// [`code`](Self::code) stays the same for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No kubeconfig is there, and this is no pod.
    #[error("No cluster is known here: there is no kubeconfig{}, and this is no pod of a cluster.", at(looked))]
    NoKubeconfig {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The kubeconfig, or what the cluster gives its pods, can't be used.
    #[error("How to reach the cluster is not clear: {reason}.")]
    BadKubeconfig {
        /// Why.
        reason: String,
    },
    /// The kubeconfig has no such context.
    #[error("The kubeconfig has no context \"{context}\".")]
    UnknownContext {
        /// Its name.
        context: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No context was named, and the kubeconfig has no current one.
    #[error("The kubeconfig has no current context, and none was named.")]
    NoContext {
        /// Those that there are.
        known: Vec<String>,
    },
    /// An address without TLS, on another machine.
    #[error("{shown} is reached without TLS, and tokens would cross the network in the clear.")]
    InTheClear {
        /// The cluster as it is shown.
        shown: String,
    },
    /// The kubeconfig says that the cluster's certificate is not to be looked at.
    #[error("The certificate of {shown} is not checked (insecure-skip-tls-verify), so anybody could take its place.")]
    NotVerified {
        /// The cluster as it is shown.
        shown: String,
    },
    /// What shall show who we are can't be had: a program of the kubeconfig's that failed, a file that is missing.
    #[error("Signing in to {shown} failed: {reason}.")]
    SignIn {
        /// The cluster as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// Nobody listens there, or there is no such host.
    #[error("{shown} can't be reached: {reason}.")]
    Unreachable {
        /// The cluster as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("{shown} does not answer.")]
    Hangs {
        /// The cluster as it is shown.
        shown: String,
    },
    /// The encrypted connection can't be made.
    #[error("The encrypted connection to {shown} failed: {reason}.")]
    Tls {
        /// The cluster as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
    /// The cluster doesn't know who we are.
    #[error("{shown} does not know who is asking: the sign-in of the kubeconfig has ended, or is none of its.")]
    Unauthorized {
        /// The cluster as it is shown.
        shown: String,
    },
    /// The cluster knows who we are, and says no.
    #[error("{} may not {} the Secret \"{}/{}\".", who.as_deref().unwrap_or("This user"), rule.verb, rule.namespace, rule.name)]
    Forbidden {
        /// Who is asking, as the cluster calls them.
        who: Option<String>,
        /// What would have to be allowed.
        rule: Box<Rule>,
    },
    /// There is no such namespace, or it is being taken down.
    #[error("There is no namespace \"{namespace}\" on {shown}, or it is just ending.")]
    NamespaceMissing {
        /// The cluster as it is shown.
        shown: String,
        /// Its name.
        namespace: String,
    },
    /// Somebody else keeps the key that we would write.
    #[error("In the Secret \"{place}\", \"{key}\" is kept by \"{manager}\", with another content.")]
    Conflict {
        /// `NAMESPACE/SECRET`
        place: String,
        /// The key.
        key: String,
        /// The other field manager, as Kubernetes names it.
        manager: String,
    },
    /// A controller owns the whole Secret, and would write over what is added.
    #[error("The Secret \"{place}\" belongs to {owner}, which would take away what is added to it.")]
    Controlled {
        /// `NAMESPACE/SECRET`
        place: String,
        /// Kind and name of what owns it.
        owner: String,
    },
    /// Another installation of Tokenferry keeps it.
    #[error("The Secret \"{place}\" is kept fresh by another Tokenferry ({installation}).")]
    OtherInstallation {
        /// `NAMESPACE/SECRET`
        place: String,
        /// Which one.
        installation: String,
    },
    /// It was made so that it never changes.
    #[error("The Secret \"{place}\" is immutable.")]
    Immutable {
        /// `NAMESPACE/SECRET`
        place: String,
    },
    /// It is a Secret for something else, such as a certificate.
    #[error("The Secret \"{place}\" is of the type {kind}, and not made for files.")]
    WrongType {
        /// `NAMESPACE/SECRET`
        place: String,
        /// Its type.
        kind: String,
    },
    /// A Secret holds up to 1 MiB.
    #[error("The Secret \"{place}\" would be larger than 1 MiB, and Kubernetes takes none that large.")]
    TooLarge {
        /// `NAMESPACE/SECRET`
        place: String,
    },
    /// A root that names no Secret. Holds why, in a sentence.
    #[error("{reason}")]
    BadPlace {
        /// What is wrong with it.
        reason: String,
    },
    /// A path that gives no key.
    #[error("\"{path}\" can't be a key of a Secret.")]
    BadKey {
        /// As given.
        path: String,
    },
    /// Two files of one delivery have the same key.
    #[error("Two files would have the key \"{key}\" of the Secret \"{place}\".")]
    SameKey {
        /// `NAMESPACE/SECRET`
        place: String,
        /// The key.
        key: String,
    },
    /// What is there can't be worked with. It was not touched.
    #[error("In the Secret \"{place}\", \"{key}\" can't be changed safely: {reason}.")]
    NotUnderstood {
        /// `NAMESPACE/SECRET`
        place: String,
        /// The key.
        key: String,
        /// Why.
        reason: ComposeError,
    },
    /// Somebody else wrote each time, between looking and writing.
    #[error("The Secret \"{place}\" keeps changing.")]
    KeepsChanging {
        /// `NAMESPACE/SECRET`
        place: String,
    },
    /// It was written, but something else was read back.
    #[error("In the Secret \"{place}\", \"{key}\" was written, but what is there now is something else.")]
    NotAsWritten {
        /// `NAMESPACE/SECRET`
        place: String,
        /// The key.
        key: String,
    },
    /// The cluster answered that it can't.
    #[error("{shown} refused to {attempt}: {reason}")]
    Refused {
        /// The cluster as it is shown.
        shown: String,
        /// What it was asked for.
        attempt: &'static str,
        /// What it said.
        reason: String,
    },
    /// Cut off, or not a cluster's answer.
    #[error("The connection to {shown} broke: {reason}.")]
    Broken {
        /// The cluster as it is shown.
        shown: String,
        /// Why.
        reason: String,
    },
}

/// A right that is lacking, as a rule of RBAC would give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `get`, `create`, `patch` or `delete`.
    pub verb: String,
    /// The Secret's namespace.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
}

impl fmt::Display for Rule {
    /// As it stands in a Role, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{apiGroups: [\"\"], resources: [secrets], ")?;
        // When something is created by POST it has no name yet for RBAC to look at, so such a rule helps nobody.
        if self.verb != "create" {
            write!(f, "resourceNames: [{}], ", self.name)?;
        }
        write!(f, "verbs: [{}]}}", self.verb)
    }
}

impl ClusterError {
    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKubeconfig { .. } => "kubeconfig_missing",
            Self::BadKubeconfig { .. } => "kubeconfig_broken",
            Self::UnknownContext { .. } => "kube_context_unknown",
            Self::NoContext { .. } => "kube_context_missing",
            Self::InTheClear { .. } => "cluster_in_the_clear",
            Self::NotVerified { .. } => "cluster_not_verified",
            Self::SignIn { .. } => "cluster_sign_in_failed",
            Self::Unreachable { .. } => "cluster_unreachable",
            Self::Hangs { .. } => "cluster_hangs",
            Self::Tls { .. } => "cluster_tls",
            Self::Unauthorized { .. } => "cluster_unauthorized",
            Self::Forbidden { .. } => "cluster_forbids",
            Self::NamespaceMissing { .. } => "namespace_missing",
            Self::Conflict { .. } => "secret_conflict",
            Self::Controlled { .. } => "secret_controlled",
            Self::OtherInstallation { .. } => "secret_of_other_installation",
            Self::Immutable { .. } => "secret_immutable",
            Self::WrongType { .. } => "secret_wrong_type",
            Self::TooLarge { .. } => "secret_too_large",
            Self::BadPlace { .. } => "bad_secret",
            Self::BadKey { .. } => "bad_key",
            Self::SameKey { .. } => "same_key",
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => "foreign",
            Self::NotUnderstood { .. } => "file_not_understood",
            Self::KeepsChanging { .. } => "secret_keeps_changing",
            Self::NotAsWritten { .. } => "not_as_written",
            Self::Refused { .. } => "cluster_refused",
            Self::Broken { .. } => "cluster_broken",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            Self::Unreachable { .. }
            | Self::Hangs { .. }
            | Self::KeepsChanging { .. }
            | Self::NotAsWritten { .. }
            | Self::Refused { .. }
            | Self::Broken { .. } => NextStep::TryAgain,
            Self::NoKubeconfig { .. }
            | Self::BadKubeconfig { .. }
            | Self::UnknownContext { .. }
            | Self::NoContext { .. }
            | Self::InTheClear { .. }
            | Self::NotVerified { .. }
            | Self::SignIn { .. }
            | Self::Tls { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NamespaceMissing { .. }
            | Self::Conflict { .. }
            | Self::Controlled { .. }
            | Self::OtherInstallation { .. }
            | Self::Immutable { .. }
            | Self::WrongType { .. }
            | Self::TooLarge { .. }
            | Self::BadPlace { .. }
            | Self::BadKey { .. }
            | Self::SameKey { .. }
            | Self::NotUnderstood { .. } => NextStep::AskUser,
        }
    }

    /// Whether this says that no copy of ours can lie there, so that none has to be taken away.
    pub fn is_without_copy(&self) -> bool {
        matches!(self, Self::NamespaceMissing { .. } | Self::NotUnderstood { .. } | Self::BadKey { .. })
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NoKubeconfig { .. } => {
                "Set KUBECONFIG to the file that kubectl uses here, or put it at ~/.kube/config.".to_owned()
            }
            Self::BadKubeconfig { .. } => "Mend the kubeconfig; kubectl needs it too.".to_owned(),
            Self::UnknownContext { known, .. } | Self::NoContext { known } if known.is_empty() => {
                "Add a context to the kubeconfig with \"kubectl config set-context\".".to_owned()
            }
            Self::UnknownContext { known, .. } | Self::NoContext { known } => {
                format!("Name one of those that there are with --kube-context: {}.", known.join(", "))
            }
            Self::InTheClear { .. } => "Use the cluster's https address.".to_owned(),
            Self::NotVerified { .. } => {
                "Put the cluster's authority into the kubeconfig as certificate-authority-data.".to_owned()
            }
            Self::SignIn { .. } | Self::Unauthorized { .. } => {
                "See that \"kubectl get secrets\" works here, as the same user; then deliver again.".to_owned()
            }
            Self::Unreachable { .. } => "Nothing, if the cluster is down for now; it is tried again.".to_owned(),
            Self::Hangs { .. } | Self::Broken { .. } => "Nothing yet; it is tried again.".to_owned(),
            Self::Tls { .. } => "Check the certificates that the kubeconfig names.".to_owned(),
            Self::Forbidden { rule, .. } => {
                format!("Have this rule added to a role of its in the namespace \"{}\": {rule}.", rule.namespace)
            }
            Self::NamespaceMissing { namespace, .. } => {
                format!("Create it with \"kubectl create namespace {namespace}\", or choose another one.")
            }
            Self::Conflict { key, .. } => {
                format!("Choose another Secret, or take \"{key}\" out of this one where it is kept; it was left alone.")
            }
            Self::Controlled { .. } => "Choose a Secret that belongs to nothing else; it was left alone.".to_owned(),
            Self::OtherInstallation { place, .. } => {
                let (namespace, name) = place.split_once('/').unwrap_or_default();
                format!(
                    "Choose another Secret, or if that one is gone, say so with \"kubectl annotate secret --namespace \
                     {namespace} {name} {}-\".",
                    super::INSTALLATION_ANNOTATION
                )
            }
            Self::Immutable { .. } => {
                "Delete it, so that it is made anew, or choose another one; it was left alone.".to_owned()
            }
            Self::WrongType { .. } => "Choose a Secret of the type Opaque; it was left alone.".to_owned(),
            Self::TooLarge { .. } => "Choose a Secret with less in it; it was left alone.".to_owned(),
            Self::BadPlace { .. } => "Write it as NAMESPACE/SECRET, such as default/claude-auth.".to_owned(),
            Self::BadKey { .. } => {
                "Choose a path of letters, digits, - _ and . , in folders or not, without \"..\".".to_owned()
            }
            Self::SameKey { .. } => "Deliver one of them to another Secret.".to_owned(),
            Self::NotUnderstood { reason: ComposeError::Foreign, .. } => {
                "If it may go, deliver with `tokenferry sync NAME --replace`; it was left alone.".to_owned()
            }
            Self::NotUnderstood { key, .. } => {
                format!("Mend what is in \"{key}\", or take it away; it was left alone.")
            }
            Self::KeepsChanging { .. } => "See what else writes to it; it is tried again.".to_owned(),
            Self::NotAsWritten { .. } => "See what else writes to this key; it is tried again.".to_owned(),
            Self::Refused { .. } => "Look at what the cluster says of it; it is tried again.".to_owned(),
        }
    }
}

fn at(looked: &[PathBuf]) -> String {
    let looked: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
    if looked.is_empty() { String::new() } else { format!(" at {}", looked.join(", ")) }
}
