//! What a cluster may say no to, and what people are told then.

use engine::destinations::kubernetes::ClusterError;
use engine::destinations::{Change, ComposeError, DeliveryError, NextStep};
use serde_json::json;

use crate::bringing::{FILE, PLACE, bring, carry, deliver, parcel, removing, writing};
use crate::stand_in::{PERSON, StandIn, Status, base64};

#[tokio::test]
async fn a_right_that_is_lacking_is_named() {
    for (verb, rule) in [
        ("get", "{apiGroups: [\"\"], resources: [secrets], resourceNames: [claude-auth], verbs: [get]}"),
        ("patch", "{apiGroups: [\"\"], resources: [secrets], resourceNames: [claude-auth], verbs: [patch]}"),
        ("create", "{apiGroups: [\"\"], resources: [secrets], verbs: [create]}"),
    ] {
        let cluster = StandIn::start().await;
        cluster.state().denied.insert(verb);
        let error = bring(&cluster.clusters(), "ours").await.unwrap_err();
        assert_eq!((error.code(), error.next()), ("cluster_forbids", NextStep::AskUser));
        assert_eq!(error.to_string(), format!("\"{PERSON}\" may not {verb} the Secret \"{PLACE}\"."));
        assert!(error.fix().contains(rule) && error.fix().contains("\"team\""), "{}", error.fix());
        assert!(cluster.secret(PLACE).is_none());
        cluster.assert_nothing_strange();
    }
}

#[tokio::test]
async fn a_namespace_is_never_made() {
    let cluster = StandIn::start().await;
    cluster.state().namespaces.remove("team");
    let clusters = cluster.clusters();
    let error = bring(&clusters, "ours").await.unwrap_err();
    assert_eq!(error.code(), "namespace_missing");
    assert!(error.fix().contains("kubectl create namespace team"), "{}", error.fix());
    assert!(matches!(&error, DeliveryError::Cluster(why) if why.is_without_copy()));
    deliver(&clusters, removing()).await.unwrap();

    cluster.state().namespaces.insert("team".to_owned());
    cluster.state().ending.insert("team".to_owned());
    assert_eq!(bring(&clusters, "ours").await.unwrap_err().code(), "namespace_missing");
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn what_can_t_hold_our_files_is_left_alone() {
    for (code, change) in [
        ("secret_immutable", json!({ "immutable": true })),
        ("secret_wrong_type", json!({ "type": "kubernetes.io/tls" })),
    ] {
        let cluster = StandIn::start().await;
        cluster.edit(PLACE, "kubectl-create", |secret| {
            secret["data"] = json!({ "theirs": base64("theirs") });
            secret.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        });
        let before = cluster.secret(PLACE).unwrap();
        assert_eq!(bring(&cluster.clusters(), "ours").await.unwrap_err().code(), code);
        assert_eq!(cluster.secret(PLACE).unwrap().version, before.version);
        assert!(cluster.state().requests.iter().all(|request| request == "GET"), "nothing was tried");
    }
    let cluster = StandIn::start().await;
    cluster.edit(PLACE, "external-secrets", |secret| secret["data"] = json!({ "theirs": base64("theirs") }));
    let owner = json!([{ "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "claude", "uid": "1", "controller": true }]);
    cluster.state().secrets.own(PLACE, owner);
    let error = bring(&cluster.clusters(), "ours").await.unwrap_err();
    assert_eq!(error.code(), "secret_controlled");
    assert!(error.to_string().contains("ExternalSecret/claude"), "{error}");
}

#[tokio::test]
async fn a_secret_that_is_made_immutable_just_then_is_told_as_such() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "old").await.unwrap();
    cluster.state().before.push_back(Box::new(|state| {
        state.secrets.update(PLACE, "kubectl-edit", |secret| secret["immutable"] = true.into()).unwrap();
    }));
    assert_eq!(bring(&clusters, "new").await.unwrap_err().code(), "secret_immutable");
}

#[tokio::test]
async fn more_than_a_mebibyte_is_not_sent() {
    let cluster = StandIn::start().await;
    let large = "x".repeat((1 << 20) - 10);
    cluster.edit(PLACE, "kubectl-create", |secret| secret["data"] = json!({ "large": base64(&large) }));
    let clusters = cluster.clusters();
    assert_eq!(bring(&clusters, "more than ten bytes").await.unwrap_err().code(), "secret_too_large");
    assert!(cluster.state().requests.iter().all(|request| request == "GET"));
    bring(&clusters, "ten bytes.").await.unwrap();
}

#[tokio::test]
async fn one_bad_file_does_not_hold_up_the_others() {
    let cluster = StandIn::start().await;
    let foreign = Box::new(|_: Option<&[u8]>| Err::<Change, _>(ComposeError::Foreign));
    for (code, path, compose) in [
        ("foreign", "other", foreign as engine::destinations::Compose),
        ("bad_key", "a b", writing("x")),
        ("same_key", "configs.default.json", writing("x")),
    ] {
        let files = vec![("configs/default.json", writing("{}")), (path, compose)];
        let undelivered = carry(&cluster.clusters(), parcel("web", files)).await.unwrap_err();
        assert_eq!(undelivered.error.code(), code);
        assert_eq!((undelivered.files.len(), undelivered.uncertain.len()), (1, 0));
        assert_eq!(cluster.secret(PLACE).unwrap().value("configs.default.json").unwrap(), b"{}");
    }
    let mut nowhere = parcel("web", vec![(FILE, writing("x"))]);
    nowhere.root = "no secret".to_owned();
    let undelivered = carry(&cluster.clusters(), nowhere).await.unwrap_err();
    assert_eq!(undelivered.error.code(), "bad_secret");
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn what_a_cluster_says_never_repeats_the_content() {
    let canary = "sk-ant-oat01-canary";
    let repeats = |code, reason, text: &str| {
        Status::new(code, reason, &format!("Secret is invalid: patch: Invalid value: {text}"), json!({}))
    };
    for status in [
        repeats(422, "Invalid", canary),
        repeats(422, "Invalid", &base64(canary)),
        repeats(500, "InternalError", &base64(canary)),
        repeats(403, "Forbidden", &format!("admission webhook denied the request: {}", base64(canary))),
    ] {
        let cluster = StandIn::start().await;
        cluster.state().instead.push_back(status.clone());
        let undelivered = carry(&cluster.clusters(), parcel("web", vec![(FILE, writing(canary))])).await.unwrap_err();
        let told = format!("{undelivered:?} {} {}", undelivered.error, undelivered.error.fix());
        assert!(!told.contains("canary") && !told.contains(&base64(canary)), "{told}");
        assert_eq!(undelivered.error.code(), "cluster_refused");
        let uncertain: &[&str] = if status.code == 500 { &[FILE] } else { &[] };
        assert_eq!(undelivered.uncertain, uncertain, "what failed over there may have been done");
    }
    // What is said of something else may be repeated: it is what helps.
    let cluster = StandIn::start().await;
    let webhook = "admission webhook \"policy.example\" denied the request: Secrets need a label";
    cluster.state().instead.push_back(Status::new(403, "Forbidden", webhook, json!({})));
    let error = bring(&cluster.clusters(), canary).await.unwrap_err();
    assert!(error.to_string().contains("need a label"), "{error}");
}

#[tokio::test]
async fn every_error_says_what_to_do() {
    let place = || "team/claude-auth".to_owned();
    let shown = || "Kubernetes (context \"lab\")".to_owned();
    let known = || vec!["lab".to_owned()];
    let errors = [
        ClusterError::NoKubeconfig { looked: vec!["/home/a/.kube/config".into()] },
        ClusterError::UnknownContext { context: "x".to_owned(), known: known() },
        ClusterError::UnknownContext { context: "x".to_owned(), known: Vec::new() },
        ClusterError::NoContext { known: known() },
        ClusterError::Unauthorized { shown: shown() },
        ClusterError::Hangs { shown: shown() },
        ClusterError::Conflict { place: place(), key: "k".to_owned(), manager: "m".to_owned() },
        ClusterError::OtherInstallation { place: place(), installation: "i".to_owned() },
        ClusterError::TooLarge { place: place() },
        ClusterError::KeepsChanging { place: place() },
    ];
    for error in errors {
        for sentence in [error.to_string(), error.fix()] {
            assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
        }
    }
}
