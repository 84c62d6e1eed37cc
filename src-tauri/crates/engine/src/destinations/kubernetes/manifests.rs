//! What to give a cluster so that a Secret is kept fresh and used there: rights, a pod, and Tokenferry itself. Pure text.

use std::fmt::Write as _;

use super::{SecretPlace, key_of};
use crate::formats::claude_code::{CREDENTIALS, CREDENTIALS_VARIABLE};
use crate::given_key::VARIABLE as KEY_VARIABLE;

/// The name of all that Tokenferry has in a cluster, but for the Secret that it fills.
const NAME: &str = "tokenferry";
/// The Secret that holds the key of the vault.
const KEY_SECRET: &str = "tokenferry-key";

/// What the manifests shall be for.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The Secret.
    pub place: &'a SecretPlace,
    /// The format of what lies in it, as `destination add` takes it; none for the usual one.
    pub format: Option<&'a str>,
    /// The paths of that format's files.
    pub files: &'a [&'a str],
    /// The image of the pod that uses it.
    pub image: &'a str,
    /// An image with Tokenferry in it, such as `docs/servers.md` builds.
    pub tokenferry: &'a str,
    /// Where the pod has the folder.
    pub mounted: &'a Mounted,
}

/// Where a pod has the folder, and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The folder in the container.
    pub folder: String,
    /// The user and the group that the container runs as; not 0.
    pub user: u32,
}

impl Default for Mounted {
    fn default() -> Self {
        Self { folder: "/credentials".to_owned(), user: 1000 }
    }
}

/// The manifests, as documents of one YAML file for `kubectl apply`.
pub fn manifests(wish: &Wish<'_>) -> String {
    [header(wish), rights(wish.place), pod(wish), deployment(wish)].join("---\n")
}

fn header(wish: &Wish<'_>) -> String {
    let SecretPlace { namespace, name, .. } = wish.place;
    let format = wish.format.map_or_else(String::new, |format| format!(" --format {format}"));
    format!(
        "\
# Keeps the Secret {namespace}/{name} fresh from within the cluster, and shows a pod that uses it. All of it lies in the
# namespace {namespace}. Before it comes the key of the vault, which is written down nowhere else:
#
#   openssl rand -base64 32 | tr '+/' '-_' | tr -d '\\n' |
#     kubectl create secret generic {KEY_SECRET} --namespace {namespace} --from-file={KEY_VARIABLE}=/dev/stdin
#
# and after it the sign-in, which is asked for once:
#
#   kubectl exec --namespace {namespace} -it deploy/{NAME} -- tokenferry login --paste
#   kubectl exec --namespace {namespace} -it deploy/{NAME} -- \\
#     tokenferry destination add {name} --kubernetes {namespace}/{name}{format}
#
# Where Tokenferry runs outside of the cluster, leave out the claim and the Deployment, and bind the Role to its user.
"
    )
}

/// Who Tokenferry is in the cluster, and what it may do.
fn rights(place: &SecretPlace) -> String {
    let SecretPlace { namespace, name, .. } = place;
    format!(
        "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {NAME}
  namespace: {namespace}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {NAME}
  namespace: {namespace}
rules:
  # This Secret alone. It can't list or watch any. \"delete\" is for sign-out: without it an empty Secret stays.
  - apiGroups: [\"\"]
    resources: [secrets]
    resourceNames: [{name}]
    verbs: [get, patch, delete]
  # To make the Secret. RBAC can't limit creating to a name, so this is for any Secret of the namespace, also one that
  # holds the token of a service account. Who would rather not give it makes the Secret, once and empty, and leaves this
  # rule out:
  #
  #   kubectl create secret generic {name} --namespace {namespace}
  - apiGroups: [\"\"]
    resources: [secrets]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {NAME}
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {NAME}
subjects:
  - kind: ServiceAccount
    name: {NAME}
    namespace: {namespace}
"
    )
}

/// A pod that has the files, and sees them change.
fn pod(wish: &Wish<'_>) -> String {
    let SecretPlace { namespace, name, .. } = wish.place;
    let Mounted { folder, user } = wish.mounted;
    let environment = variable(wish).map_or_else(String::new, |folder| {
        format!(
            "      env:
        # Claude Code reads its credentials here, before each request, and keeps all else in its own folder.
        - name: {CREDENTIALS_VARIABLE}
          value: {}
",
            quoted(&folder)
        )
    });
    format!(
        "\
# An example: take over what stands under \"env\", \"volumeMounts\" and \"volumes\", and fsGroup.
apiVersion: v1
kind: Pod
metadata:
  name: {name}-example
  namespace: {namespace}
spec:
  # It needs no rights in the cluster: the kubelet brings it the files.
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: {user}
    runAsGroup: {user}
    # The files are root's, and for this group to read.
    fsGroup: {user}
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: app
      image: {}
      securityContext:
        allowPrivilegeEscalation: false
        capabilities:
          drop: [ALL]
{environment}      volumeMounts:
        # The whole folder: a file that is mounted by subPath is never changed in a running pod.
        - name: credentials
          mountPath: {}
          readOnly: true
  volumes:
    - name: credentials
      secret:
        secretName: {name}
        # 0440
        defaultMode: 288
{}",
        quoted(wish.image),
        quoted(folder),
        items(wish.files)
    )
}

/// The folder that the variable of Claude Code's has to name, if its file is among them.
fn variable(wish: &Wish<'_>) -> Option<String> {
    let folder = wish.mounted.folder.trim_end_matches('/');
    let path = wish.files.iter().find(|path| path.rsplit('/').next() == Some(CREDENTIALS))?;
    Some(path.rsplit_once('/').map_or_else(|| folder.to_owned(), |(within, _)| format!("{folder}/{within}")))
}

/// Gives files their folders back, which keys don't have.
fn items(files: &[&str]) -> String {
    let mut items = String::new();
    if files.iter().any(|path| path.contains('/')) {
        items.push_str("        # A key has no folders; the pod gives them back.\n        items:\n");
        for (key, path) in files.iter().filter_map(|path| Some((key_of(path).ok()?, path))) {
            let _ = writeln!(items, "          - key: {}\n            path: {}", quoted(&key), quoted(path));
        }
    }
    items
}

/// Tokenferry in the cluster.
fn deployment(wish: &Wish<'_>) -> String {
    let namespace = &wish.place.namespace;
    format!(
        "\
# The sign-in, encrypted: its refresh token is used up by each renewal, so it has to outlive the pod.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {NAME}
  namespace: {namespace}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 64Mi
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {NAME}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: {NAME}
spec:
  # A sign-in has one owner: never two at a time, not even while one takes over from the other.
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app.kubernetes.io/name: {NAME}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {NAME}
    spec:
      serviceAccountName: {NAME}
      # A stop waits for a renewal that is under way, so that its tokens are stored.
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {NAME}
          image: {}
          args: [run]
          env:
            - name: TOKENFERRY_HOME
              value: /state/tokenferry
            - name: TOKENFERRY_VAULT
              value: file
            - name: {KEY_VARIABLE}
              valueFrom:
                secretKeyRef:
                  name: {KEY_SECRET}
                  key: {KEY_VARIABLE}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              memory: 128Mi
          volumeMounts:
            - name: state
              mountPath: /state
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: state
          persistentVolumeClaim:
            claimName: {NAME}
        - name: tmp
          emptyDir:
            medium: Memory
            sizeLimit: 16Mi
",
        quoted(wish.tokenferry)
    )
}

/// As a string of YAML, which takes those of JSON; so nothing that is put in can be anything else.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
