//! That the manifests which are printed are such: by the types of the API, strictly, and by kubectl where there is one.

use std::path::Path;
use std::process::Command;

use bed::Home;
use engine::destinations::kubernetes::{Mounted, SecretPlace, Wish, manifests};
use engine::formats::ALL;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::stand_in::StandIn;

fn printed(files: &[&str]) -> String {
    let place: SecretPlace = "team/claude-auth".parse().unwrap();
    let mounted = Mounted::default();
    manifests(&Wish {
        place: &place,
        format: None,
        files,
        image: "example/app:1",
        tokenferry: "example/tokenferry:1",
        mounted: &mounted,
    })
}

fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// What the API's type doesn't know would be lost on the way through it.
fn strictly<T: DeserializeOwned + Serialize>(document: &Value) -> T {
    let read: T = serde_json::from_value(document.clone()).unwrap_or_else(|why| panic!("{why} in {document}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), *document);
    read
}

#[test]
fn every_field_is_one_of_the_api_s() {
    for files in [&[".credentials.json"][..], &["configs/default.json", "credentials/default.json"]] {
        let mut kinds = Vec::new();
        for document in documents(&printed(files)) {
            let kind = document["kind"].as_str().unwrap().to_owned();
            match (document["apiVersion"].as_str().unwrap(), kind.as_str()) {
                ("v1", "ServiceAccount") => drop(strictly::<ServiceAccount>(&document)),
                ("v1", "PersistentVolumeClaim") => drop(strictly::<PersistentVolumeClaim>(&document)),
                ("v1", "Pod") => drop(strictly::<Pod>(&document)),
                ("apps/v1", "Deployment") => drop(strictly::<Deployment>(&document)),
                ("rbac.authorization.k8s.io/v1", "Role") => drop(strictly::<Role>(&document)),
                ("rbac.authorization.k8s.io/v1", "RoleBinding") => drop(strictly::<RoleBinding>(&document)),
                other => panic!("{other:?}"),
            }
            assert_eq!(document["metadata"]["namespace"], "team");
            kinds.push(kind);
        }
        assert_eq!(kinds, ["ServiceAccount", "Role", "RoleBinding", "Pod", "PersistentVolumeClaim", "Deployment"]);
    }
    // That a field which is not known would be seen.
    let mut pod = documents(&printed(&["a"])).remove(3);
    pod["spec"]["restartPolcy"] = "Never".into();
    assert!(std::panic::catch_unwind(|| drop(strictly::<Pod>(&pod))).is_err());
}

#[test]
fn the_role_is_the_least_that_is_needed() {
    let role = documents(&printed(&["a"])).into_iter().find(|document| document["kind"] == "Role").unwrap();
    let rules = strictly::<Role>(&role).rules.unwrap();
    let named: Vec<_> = rules.iter().filter(|rule| rule.resource_names.is_some()).collect();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].resource_names.as_ref().unwrap(), &["claude-auth"]);
    assert_eq!(named[0].verbs, ["get", "patch", "delete"]);
    let others: Vec<_> =
        rules.iter().filter(|rule| rule.resource_names.is_none()).flat_map(|rule| &rule.verbs).collect();
    assert_eq!(others, ["create"], "which no name can limit");
}

#[test]
fn a_pod_sees_the_folder_change() {
    let pods = |files: &[&str]| strictly::<Pod>(&documents(&printed(files)).remove(3));
    let spec = pods(&[".credentials.json"]).spec.unwrap();
    let (container, volume) = (&spec.containers[0], spec.volumes.as_ref().unwrap()[0].secret.as_ref().unwrap());
    let mount = &container.volume_mounts.as_ref().unwrap()[0];
    assert_eq!((mount.mount_path.as_str(), &mount.sub_path, mount.read_only), ("/credentials", &None, Some(true)));
    assert_eq!(
        (volume.secret_name.as_deref(), volume.default_mode, &volume.items),
        (Some("claude-auth"), Some(0o440), &None)
    );
    let variable = &container.env.as_ref().unwrap()[0];
    assert_eq!(
        (variable.name.as_str(), variable.value.as_deref()),
        ("CLAUDE_SECURESTORAGE_CONFIG_DIR", Some("/credentials"))
    );

    let spec = pods(&["configs/default.json", "credentials/default.json"]).spec.unwrap();
    assert_eq!(spec.containers[0].env, None, "the variable is Claude Code's");
    let items = spec.volumes.as_ref().unwrap()[0].secret.as_ref().unwrap().items.as_ref().unwrap();
    let items: Vec<_> = items.iter().map(|item| (item.key.as_str(), item.path.as_str())).collect();
    assert_eq!(
        items,
        [("configs.default.json", "configs/default.json"), ("credentials.default.json", "credentials/default.json")]
    );
    let spec = pods(&["home/.credentials.json"]).spec.unwrap();
    assert_eq!(spec.containers[0].env.as_ref().unwrap()[0].value.as_deref(), Some("/credentials/home"));
}

#[test]
fn tokenferry_runs_there_without_rights_that_it_does_not_need() {
    let document = documents(&printed(&["a"])).remove(5);
    let spec = strictly::<Deployment>(&document).spec.unwrap();
    assert_eq!((spec.replicas, spec.strategy.unwrap().type_.as_deref()), (Some(1), Some("Recreate")), "one owner");
    let pod = spec.template.spec.unwrap();
    let (whole, container) = (pod.security_context.unwrap(), &pod.containers[0]);
    assert_eq!(whole.run_as_non_root, Some(true));
    let own = container.security_context.as_ref().unwrap();
    assert_eq!((own.read_only_root_filesystem, own.allow_privilege_escalation), (Some(true), Some(false)));
    assert_eq!(own.capabilities.as_ref().unwrap().drop.as_deref(), Some(&["ALL".to_owned()][..]));
    let key =
        container.env.as_ref().unwrap().iter().find(|variable| variable.name == "CLAUDE_TOKEN_ENCRYPTION_KEY").unwrap();
    assert!(
        key.value.is_none() && key.value_from.as_ref().unwrap().secret_key_ref.is_some(),
        "the key is in no manifest"
    );
}

/// What the program prints for a format.
async fn exported(format: &str) -> String {
    let words =
        ["export", "kubernetes", "--secret", "team/claude-auth", "--format", format, "--image", "example/app:1"];
    Home::new().tokenferry(words).run().await.succeeds().stdout
}

fn kubectl(cluster: &StandIn, arguments: &[&str]) -> String {
    let mut command = Command::new("kubectl");
    command.args(arguments).env("KUBECONFIG", cluster.kubeconfig("certificate")).env("HOME", cluster.folder.path());
    let run = command.env_remove("HTTPS_PROXY").env_remove("https_proxy").output().unwrap();
    assert!(run.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// None, said loudly, where there is no kubectl.
async fn is_kubectl_here() -> Option<()> {
    let had = async {
        let run = Command::new("kubectl").args(["version", "--client"]).output();
        run.map(drop).map_err(|why| format!("it can't be run: {why}."))
    };
    bed::fetched::once("KUBECTL", "1.32", Path::new(env!("CARGO_TARGET_TMPDIR")), had).await
}

/// kubectl asks a cluster which kinds there are, also for a dry run; the stand-in knows those that it needs.
#[tokio::test(flavor = "multi_thread")]
async fn kubectl_takes_what_the_program_prints() {
    if is_kubectl_here().await.is_none() {
        return;
    }
    let cluster = StandIn::start().await;
    for taker in ALL.iter().filter(|taker| taker.name() != "litellm-row") {
        let path = cluster.write("manifests.yaml", &exported(taker.name()).await);
        let arguments = ["apply", "--dry-run=client", "--validate=false", "--filename", path.to_str().unwrap()];
        let said = kubectl(&cluster, &arguments);
        for line in [
            "serviceaccount/tokenferry created",
            "role.rbac.authorization.k8s.io/tokenferry created",
            "rolebinding.rbac.authorization.k8s.io/tokenferry created",
            "pod/claude-auth-example created",
            "persistentvolumeclaim/tokenferry created",
            "deployment.apps/tokenferry created",
        ] {
            assert!(said.contains(line), "{}: {line} is not in {said}", taker.name());
        }
    }
}

#[tokio::test]
async fn the_program_prints_them_for_each_format() {
    for taker in ALL.iter().filter(|taker| taker.name() != "litellm-row") {
        let printed = exported(taker.name()).await;
        let is_usual = taker.name() == "claude-code";
        assert_eq!(printed.contains(&format!(" --format {}\n", taker.name())), !is_usual, "{printed}");
        let spec = strictly::<Pod>(&documents(&printed).remove(3)).spec.unwrap();
        assert_eq!(spec.containers[0].env.is_some(), is_usual, "the variable is Claude Code's");
        let items = spec.volumes.unwrap().remove(0).secret.unwrap().items.unwrap_or_default();
        let paths: Vec<_> = items.iter().map(|item| item.path.as_str()).collect();
        let nested = taker.files().iter().any(|file| file.path.contains('/'));
        let files: Vec<_> = taker.files().iter().map(|file| file.path).filter(|_| nested).collect();
        assert_eq!(paths, files, "{}", taker.name());
    }
    let refused = ["export", "kubernetes", "--secret", "team/claude-auth", "--format", "litellm-row"];
    let said = Home::new().tokenferry(refused).run().await.ends_with(1).stderr;
    assert!(said.contains("for a database"), "{said}");
}
