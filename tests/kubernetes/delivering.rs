//! Keys that arrive, stay fresh, and leave those of others alone.

use engine::destinations::kubernetes::{FIELD_MANAGER, INSTALLATION_ANNOTATION, KEYS_ANNOTATION};
use engine::destinations::{Glance, Outcome};
use serde_json::json;

use crate::bringing::{FILE, PLACE, adding, bring, carry, deliver, outcomes, parcel, writing};
use crate::stand_in::{INSTALLATION, PERSON, StandIn, base64};

#[tokio::test]
async fn a_secret_is_made_and_kept_fresh() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    let files = vec![(FILE, writing("first")), ("configs/default.json", writing("{}"))];
    let receipt = carry(&clusters, parcel("web", files)).await.unwrap();
    assert_eq!(outcomes(&receipt.files), [(FILE, Outcome::Written), ("configs/default.json", Outcome::Written)]);
    assert_eq!((receipt.files[0].size, receipt.files[0].entries_at_top), (Some(5), 2));

    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(secret.value(FILE).unwrap(), b"first");
    assert_eq!(secret.value("configs.default.json").unwrap(), b"{}");
    assert_eq!(secret.label("app.kubernetes.io/managed-by"), Some("tokenferry"));
    assert_eq!(secret.annotation(INSTALLATION_ANNOTATION), Some(INSTALLATION));
    assert_eq!(secret.annotation(KEYS_ANNOTATION), Some(".credentials.json=web,configs.default.json=web"));
    assert_eq!(secret.keepers(FILE), [(FIELD_MANAGER, "Apply")]);

    assert_eq!(bring(&clusters, "second").await.unwrap(), Outcome::Written);
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(secret.value(FILE).unwrap(), b"second");
    assert_eq!(secret.value("configs.default.json").unwrap(), b"{}", "a key of ours that is not in the parcel stays");
    assert_eq!(cluster.state().user, PERSON);
    let apply = "PATCH application/apply-patch+yaml fieldManager=tokenferry&fieldValidation=Strict";
    assert_eq!(cluster.state().requests, ["GET", apply, "GET", "GET", apply, "GET"]);
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn what_others_keep_in_the_secret_stays() {
    let cluster = StandIn::start().await;
    cluster.edit(PLACE, "kubectl-create", |secret| {
        secret["data"] = json!({ "theirs": base64("theirs") });
        secret["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
    });
    bring(&cluster.clusters(), "ours").await.unwrap();
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!((secret.value("theirs").unwrap(), secret.value(FILE).unwrap()), (b"theirs".to_vec(), b"ours".to_vec()));
    assert_eq!(secret.label("app.kubernetes.io/managed-by"), Some("Helm"));
    assert_eq!(secret.keepers("theirs"), [("kubectl-create", "Update")]);
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn two_destinations_share_a_secret() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    let first = parcel("web", vec![(FILE, writing("for the CLI"))]);
    let second = parcel("proxy", vec![("access_token", writing("for the proxy"))]);
    let reached = clusters.cluster(None).await.unwrap();
    let carried = reached.carry(vec![first, second]).await;
    assert!(carried.iter().all(|(_, result)| result.is_ok()), "{carried:?}");
    assert_eq!(carried.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["web", "proxy"]);
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(
        (secret.value(FILE).unwrap(), secret.value("access_token").unwrap()),
        (b"for the CLI".to_vec(), b"for the proxy".to_vec())
    );
    assert_eq!(secret.annotation(KEYS_ANNOTATION), Some(".credentials.json=web,access_token=proxy"));

    let glance = |name: &str, paths: &[&str]| Glance {
        destination: name.to_owned(),
        root: PLACE.to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    let elsewhere = Glance { root: "default/none".to_owned(), ..glance("none", &[FILE]) };
    let seen = reached.look(vec![glance("web", &[FILE, "missing"]), elsewhere]).await;
    let content = |number: usize, file: usize| {
        seen[number].1.as_ref().unwrap()[file]
            .file
            .as_ref()
            .map(|file| file.content.as_ref().unwrap().expose().to_vec())
    };
    assert_eq!((content(0, 0), content(0, 1), content(1, 0)), (Some(b"for the CLI".to_vec()), None, None));
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn two_processes_at_once_lose_nothing() {
    let cluster = StandIn::start().await;
    let (one, other) = (cluster.clusters(), cluster.clusters());
    // Only a Secret that is there has a state to name: two that make it at once are for a lock to keep apart.
    carry(&one, parcel("lab", vec![("before", writing("before"))])).await.unwrap();
    let (first, second) = tokio::join!(
        carry(&one, parcel("web", vec![(FILE, writing("one"))])),
        carry(&other, parcel("proxy", vec![("access_token", writing("two"))])),
    );
    first.unwrap();
    second.unwrap();
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(secret.value("before").unwrap(), b"before");
    assert_eq!(
        (secret.value(FILE).unwrap(), secret.value("access_token").unwrap()),
        (b"one".to_vec(), b"two".to_vec())
    );
}

#[tokio::test]
async fn a_change_between_looking_and_writing_is_noticed_and_composed_anew() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "[").await.unwrap();
    cluster.state().before.push_back(Box::new(|state| {
        state.secrets.update(PLACE, "kubectl-edit", |secret| secret["data"][FILE] = base64("[theirs,").into()).unwrap();
    }));
    assert_eq!(deliver(&clusters, adding("ours]")).await.unwrap(), Outcome::Written);
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE).unwrap(), b"[theirs,ours]");

    // Another key, so that only the version tells.
    cluster.state().before.push_back(Box::new(|state| {
        state.secrets.update(PLACE, "kubectl-edit", |secret| secret["data"]["more"] = base64("more").into()).unwrap();
    }));
    assert_eq!(bring(&clusters, "new").await.unwrap(), Outcome::Written);
    assert_eq!(cluster.secret(PLACE).unwrap().value("more").unwrap(), b"more");

    // It comes to be, or is made anew, just then.
    let delete: fn(&mut crate::stand_in::State) = |state| state.secrets.delete(PLACE, None, None).unwrap();
    cluster.state().before.push_back(Box::new(delete));
    assert_eq!(bring(&clusters, "again").await.unwrap(), Outcome::Written);
    assert_eq!(cluster.secret(PLACE).unwrap().value("more"), None, "what was gone is not brought back");
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn a_secret_that_never_stands_still_is_given_up() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "old").await.unwrap();
    for number in 0..20 {
        cluster.state().before.push_back(Box::new(move |state| {
            let change =
                |secret: &mut serde_json::Value| secret["data"]["counter"] = base64(&number.to_string()).into();
            state.secrets.update(PLACE, "kubectl-edit", change).unwrap();
        }));
    }
    let error = bring(&clusters, "new").await.unwrap_err();
    assert_eq!(error.code(), "secret_keeps_changing");
    assert_eq!(cluster.state().before.len(), 15, "it was tried five times");
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE).unwrap(), b"old");
}

#[tokio::test]
async fn what_was_ours_is_taken_back_from_a_hand() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    cluster.edit(PLACE, "kubectl-edit", |secret| {
        secret["data"][FILE] = base64("blanked").into();
        secret["metadata"]["annotations"][KEYS_ANNOTATION] = format!("{FILE}=web,x=y").into();
    });
    assert_eq!(cluster.secret(PLACE).unwrap().keepers(FILE), [("kubectl-edit", "Update")]);
    bring(&clusters, "ours again").await.unwrap();
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(secret.value(FILE).unwrap(), b"ours again");
    assert_eq!(secret.keepers(FILE), [(FIELD_MANAGER, "Apply")]);
    let forced = cluster.state().requests.iter().filter(|request| request.contains("force=true")).count();
    assert_eq!(forced, 1, "only where it had to be");
    cluster.assert_nothing_strange();
}

#[tokio::test]
async fn what_another_declares_is_left_to_them() {
    let cluster = StandIn::start().await;
    let clusters = cluster.clusters();
    bring(&clusters, "ours").await.unwrap();
    let theirs = json!({ "apiVersion": "v1", "kind": "Secret", "data": { FILE: base64("from git") } });
    cluster.state().secrets.apply(PLACE, "argocd-controller", &theirs, true).unwrap();
    let files = vec![(FILE, writing("ours")), ("access_token", writing("token"))];
    let undelivered = carry(&clusters, parcel("web", files)).await.unwrap_err();
    assert_eq!(undelivered.error.code(), "secret_conflict");
    let told = undelivered.error.to_string();
    assert!(told.contains("argocd-controller") && told.contains(FILE), "{told}");
    assert_eq!(outcomes(&undelivered.files), [("access_token", Outcome::Written)], "the other file is delivered");
    let secret = cluster.secret(PLACE).unwrap();
    assert_eq!(
        (secret.value(FILE).unwrap(), secret.value("access_token").unwrap()),
        (b"from git".to_vec(), b"token".to_vec())
    );
    assert!(!cluster.state().requests.iter().any(|request| request.contains("force")));
}

#[tokio::test]
async fn what_never_was_ours_is_not_taken() {
    let cluster = StandIn::start().await;
    cluster.edit(PLACE, "kubectl-create", |secret| secret["data"] = json!({ FILE: base64("theirs") }));
    let error = bring(&cluster.clusters(), "ours").await.unwrap_err();
    assert_eq!(error.code(), "secret_conflict");
    assert!(error.to_string().contains("kubectl-create"), "{error}");
    assert_eq!(cluster.secret(PLACE).unwrap().value(FILE).unwrap(), b"theirs");
    cluster.assert_nothing_strange();
}
