//! How a cluster is found, and who we are there.

use std::path::PathBuf;

use engine::destinations::kubernetes::{ClusterError, Clusters, Surroundings};
use engine::destinations::{DeliveryError, NextStep, Outcome};

use crate::bringing::{FILE, bring, carry, parcel, writing};
use crate::stand_in::{INSTALLATION, PERSON, SERVICE_ACCOUNT, StandIn, TOKEN};

fn by(kubeconfig: Vec<PathBuf>) -> Clusters {
    Clusters::new(Surroundings { kubeconfig, ..Surroundings::default() }, INSTALLATION)
}

async fn failing(clusters: &Clusters) -> DeliveryError {
    bring(clusters, "ours").await.unwrap_err()
}

#[tokio::test]
async fn a_certificate_or_a_token_says_who_we_are() {
    let cluster = StandIn::start().await;
    for (user, who) in [("certificate", PERSON), ("token", SERVICE_ACCOUNT)] {
        let kubeconfig = cluster.kubeconfig(user);
        assert_eq!(bring(&by(vec![kubeconfig]), "ours").await.unwrap(), Outcome::Written);
        assert_eq!(cluster.state().user, who);
    }
    let error = failing(&by(vec![cluster.kubeconfig("nobody")])).await;
    assert_eq!((error.code(), error.next()), ("cluster_unauthorized", NextStep::AskUser));
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn a_program_of_the_kubeconfig_s_signs_in() {
    let cluster = StandIn::start().await;
    let program = |body: &str| {
        let path = cluster.write("sign-in", &format!("#!/bin/sh\n{body}\n"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let lines = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./sign-in, interactiveMode: Never}}";
        by(vec![cluster.kubeconfig(lines)])
    };
    let answer = format!(
        "echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{TOKEN}\"}}}}'"
    );
    assert_eq!(bring(&program(&answer), "ours").await.unwrap(), Outcome::Written);
    let error = failing(&program("echo token-canary; echo token-canary >&2; exit 3")).await;
    assert_eq!(error.code(), "cluster_sign_in_failed");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    assert_eq!(failing(&program("echo canary")).await.code(), "cluster_sign_in_failed");
}

#[tokio::test]
async fn a_pod_needs_no_kubeconfig() {
    let cluster = StandIn::start().await;
    let clusters = Clusters::new(cluster.pod(), INSTALLATION);
    assert_eq!(bring(&clusters, "ours").await.unwrap(), Outcome::Written);
    assert_eq!(cluster.state().user, SERVICE_ACCOUNT);
    let error = clusters.cluster(Some("lab")).await.unwrap_err();
    assert_eq!(error.code(), "kubeconfig_missing", "a context is none of a pod's");

    // A kubeconfig that is there wins, as with kubectl.
    let kubeconfig = vec![cluster.kubeconfig("certificate")];
    let both = Clusters::new(Surroundings { kubeconfig, ..cluster.pod() }, INSTALLATION);
    bring(&both, "ours").await.unwrap();
    assert_eq!(cluster.state().user, PERSON);
}

#[tokio::test]
async fn kubeconfigs_are_found_as_kubectl_finds_them() {
    let cluster = StandIn::start().await;
    let good = cluster.kubeconfig("certificate");
    let missing = cluster.folder.path().join("missing");
    let empty = cluster.write("empty", "");
    bring(&by(vec![missing.clone(), empty, good.clone()]), "ours").await.unwrap();

    let home = cluster.folder.path().join("home");
    cluster.write("home/.kube/config", &std::fs::read_to_string(&good).unwrap());
    let at_home = Surroundings { home: Some(home), ..Surroundings::default() };
    bring(&Clusters::new(at_home, INSTALLATION), "ours").await.unwrap();

    let error = failing(&by(vec![missing.clone()])).await;
    assert_eq!(error.code(), "kubeconfig_missing");
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");

    let error = by(vec![good]).cluster(Some("prod")).await.unwrap_err();
    assert_eq!(error, ClusterError::UnknownContext { context: "prod".to_owned(), known: vec!["lab".to_owned()] });
    let none =
        cluster.write("none", "{kind: Config, clusters: [], contexts: [{name: a, context: {cluster: b, user: c}}]}");
    assert_eq!(failing(&by(vec![none.clone()])).await.code(), "kube_context_missing");
    assert_eq!(by(vec![none]).cluster(Some("a")).await.unwrap_err().code(), "kubeconfig_broken");

    let broken = cluster.write("broken", "users:\n- name: me\n  user: {token: \"canary-in-yaml\n");
    let error = failing(&by(vec![broken])).await;
    assert_eq!(error.code(), "kubeconfig_broken");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_kubeconfig_that_changes_is_read_again() {
    let cluster = StandIn::start().await;
    let clusters = by(vec![cluster.kubeconfig("nobody")]);
    assert_eq!(failing(&clusters).await.code(), "cluster_unauthorized");
    cluster.kubeconfig("certificate");
    bring(&clusters, "ours").await.unwrap();
    let (first, second) = (clusters.cluster(None).await.unwrap(), clusters.cluster(None).await.unwrap());
    assert!(std::sync::Arc::ptr_eq(&first, &second), "it is connected to once");
    assert_eq!(first.address(), format!("https://{}/", cluster.address));
    assert_eq!(first.shown(), "Kubernetes (context \"lab\")");
}

#[tokio::test]
async fn only_the_cluster_that_is_meant_gets_a_token() {
    let cluster = StandIn::start().await;
    let server = format!("https://{}", cluster.address);
    let by_other = cluster.kubeconfig_with("certificate", &server, &StandIn::other_authority());
    let error = failing(&by(vec![by_other])).await;
    assert_eq!(error.code(), "cluster_tls", "{error}");
    assert!(error.to_string().contains("authority that the kubeconfig names"), "{error}");
    let by_name =
        cluster.kubeconfig_with("certificate", &server.replace("127.0.0.1", "localhost"), &cluster_authority(&cluster));
    assert_eq!(failing(&by(vec![by_name])).await.code(), "cluster_tls");
    let unchecked = cluster.kubeconfig_with("certificate", &server, "insecure-skip-tls-verify: true");
    assert_eq!(failing(&by(vec![unchecked])).await.code(), "cluster_not_verified");
    let clear = cluster.kubeconfig_with("token", "http://10.0.0.1:8080", "insecure-skip-tls-verify: false");
    assert_eq!(failing(&by(vec![clear])).await.code(), "cluster_in_the_clear");
    assert_eq!(cluster.state().requests, Vec::<String>::new());
}

fn cluster_authority(cluster: &StandIn) -> String {
    cluster.pod();
    std::fs::read_to_string(cluster.folder.path().join("pod/ca.crt")).unwrap()
}

#[tokio::test]
async fn a_cluster_that_is_away_is_tried_again() {
    let cluster = StandIn::start().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = cluster.kubeconfig_with("certificate", &format!("https://{free}"), &cluster_authority(&cluster));
    let error = failing(&by(vec![away])).await;
    assert_eq!((error.code(), error.next()), ("cluster_unreachable", NextStep::TryAgain), "{error}");
    let unknown = cluster.kubeconfig_with("certificate", "https://nowhere.invalid", &cluster_authority(&cluster));
    let error = failing(&by(vec![unknown])).await;
    assert_eq!(error.code(), "cluster_unreachable", "{error}");
}

#[tokio::test]
async fn a_cluster_that_hangs_holds_nobody_up_for_long() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    cluster.state().hangs = true;
    let begun = std::time::Instant::now();
    assert_eq!(failing(&clusters).await.code(), "cluster_hangs");
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
    cluster.state().hangs = false;

    // One that hangs once it has what it was sent may have stored it.
    cluster.state().before.push_back(Box::new(|state| state.hangs = true));
    let undelivered = carry(&clusters, parcel("web", vec![(FILE, writing("ours"))])).await.unwrap_err();
    assert_eq!((undelivered.error.code(), undelivered.uncertain.as_slice()), ("cluster_hangs", &[FILE.to_owned()][..]));
}
