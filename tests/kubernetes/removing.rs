//! Keys that go, and what stays.

use engine::destinations::Outcome;
use engine::destinations::kubernetes::{Clusters, INSTALLATION_ANNOTATION, KEYS_ANNOTATION, Surroundings};
use serde_json::json;

use crate::bringing::{FILE, PLACE, bring, carry, deliver, outcomes, parcel, removing, writing};
use crate::stand_in::{StandIn, base64};

#[tokio::test]
async fn the_last_key_takes_our_secret_with_it() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    let files = vec![(FILE, writing("ours")), ("access_token", writing("token"))];
    carry(&clusters, parcel("web", files)).await.unwrap();
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!((secret.value(FILE), secret.value("access_token").unwrap()), (None, b"token".to_vec()));
    assert_eq!(secret.annotation(KEYS_ANNOTATION), Some("access_token=web"));

    let files = vec![(FILE, removing()), ("access_token", removing())];
    let receipt = carry(&clusters, parcel("web", files)).await.unwrap();
    assert_eq!(outcomes(&receipt.files), [(FILE, Outcome::Absent), ("access_token", Outcome::Removed)]);
    assert!(cluster.secret(PLACE).is_none());
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Absent);
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn a_secret_that_others_use_stays() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    cluster.edit(PLACE, "kubectl-edit", |secret| secret["data"]["theirs"] = base64("theirs").into());
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!((secret.value(FILE), secret.value("theirs").unwrap()), (None, b"theirs".to_vec()));
    assert_eq!((secret.annotation(KEYS_ANNOTATION), secret.annotation(INSTALLATION_ANNOTATION)), (None, None));

    // One that somebody made stays too, if only empty.
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    cluster.edit(PLACE, "kubectl-create", |secret| secret["metadata"]["labels"] = json!({ "team": "a" }));
    bring(&clusters, "ours").await.unwrap();
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE), None);
    assert!(!cluster.state().requests.iter().any(|request| request.starts_with("DELETE")));
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn without_the_right_to_delete_an_empty_secret_stays() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    cluster.state().denied.insert("delete");
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE), None);
    bring(&clusters, "ours").await.unwrap();
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn our_token_goes_also_where_others_keep_the_key() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    let same = json!({ "apiVersion": "v1", "kind": "Secret", "data": { FILE: base64("ours") } });
    cluster.state().secrets.apply(PLACE, "argocd-controller", &same, false).unwrap();
    assert_eq!(cluster.secret(PLACE).unwrap().keepers(FILE).len(), 2);
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE), None);

    // And where another installation keeps the Secret, of which nothing else is touched.
    let other = Clusters::new(
        Surroundings { kubeconfig: vec![cluster.kubeconfig("certificate")], ..Surroundings::default() },
        "another",
    );
    let files = vec![(FILE, writing("theirs")), ("more", writing("more"))];
    carry(&other, parcel("web", files)).await.unwrap();
    assert_eq!(bring(&clusters, "ours").await.unwrap_err().code(), "secret_of_other_installation");
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Removed);
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!((secret.value(FILE), secret.value("more").unwrap()), (None, b"more".to_vec()));
    assert_eq!(secret.annotation(INSTALLATION_ANNOTATION), Some("another"));
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn one_that_was_made_anew_meanwhile_is_not_deleted() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    cluster.state().before.push_back(Box::new(|state| {
        state.secrets.delete(PLACE, None, None).unwrap();
        state
            .secrets
            .update(PLACE, "kubectl-create", |secret| secret["data"] = json!({ "new": base64("new") }))
            .unwrap();
    }));
    assert_eq!(deliver(&clusters, removing()).await.unwrap(), Outcome::Absent);
    assert_eq!(cluster.secret(PLACE).unwrap().value("new").unwrap(), b"new");
    cluster.assert_nothing_strange();
}
