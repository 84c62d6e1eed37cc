//! A context that changes while we run: a destination keeps the context's name, so the next delivery goes to where it
//! leads by then.

use std::sync::Arc;

use bed::{Dockerd, Home, TestEngine};
use engine::clock::Clock;
use engine::delivery::Delivery;
use engine::destinations::docker::Environment;
use engine::journal::Journal;

use crate::list::context;

#[tokio::test]
async fn a_running_process_follows_a_context() {
    let (first, second) = (TestEngine::get(), Dockerd::start().await);
    let folder = tempfile::tempdir().unwrap();
    context(folder.path(), "moving", first.host());
    let environment = Environment { config: Some(folder.path().to_owned()), ..Environment::default() };
    let journal = Arc::new(Journal::open(&folder.path().join("journal.db")).unwrap());
    let delivery = Delivery::new(journal, folder.path().to_owned(), "moving".to_owned(), environment, Clock::system());
    let on_second = second.volume().await;
    let volumes = async || delivery.docker("moving").await.unwrap().volumes().await.unwrap();
    assert!(!volumes().await.contains(on_second.name()));
    assert_eq!(delivery.engine_address("moving"), first.host());
    context(folder.path(), "moving", second.host());
    assert!(volumes().await.contains(on_second.name()));
    assert_eq!(delivery.engine_address("moving"), second.host());
}

#[tokio::test]
async fn a_delivery_goes_where_the_context_leads_by_then() {
    let provider = bed::Provider::start();
    let (first, second) = (TestEngine::get(), Dockerd::start().await);
    let home = Home::new().provider(&provider).unset("DOCKER_HOST");
    let config = home.path().join("user/.docker");
    context(&config, "moving", first.host());
    // A volume of the same name on either.
    let volume = first.volume().await;
    let wanted = bollard::models::VolumeCreateRequest { name: Some(volume.name().to_owned()), ..Default::default() };
    second.docker().create_volume(wanted.clone()).await.unwrap();
    home.tokenferry(["login"]).run().await.succeeds();
    let add = ["destination", "add", "web", "--volume", volume.name(), "--engine", "moving"];
    home.tokenferry(add).run().await.succeeds();
    home.tokenferry(["sync"]).run().await.succeeds();
    assert!(volume.find(".credentials.json").await.is_some());

    context(&config, "moving", second.host());
    home.tokenferry(["sync"]).run().await.succeeds();
    let moved = second.docker().inspect_volume(volume.name()).await.unwrap();
    let on_disk = std::path::Path::new(&moved.mountpoint).join(".credentials.json");
    let found = bed::dockerd::as_root("cat").arg(on_disk).output().unwrap();
    assert!(found.status.success() && !found.stdout.is_empty());
}
