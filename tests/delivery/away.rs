//! An engine that is away, or doesn't answer: told apart, and never waited for without end.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::destinations::docker::{Docker, EngineChoice, EngineError, Environment, resolve};

use crate::parcels::{FILE, parcel, writing};

fn at(socket: &Path) -> Result<Docker, EngineError> {
    let choice = EngineChoice::Host(format!("unix://{}", socket.display()));
    Docker::new(resolve(&choice, &Environment::default())?, "away")
}

/// Carries to an engine that can't be had, and answers with the error's code.
async fn carried(docker: &Docker) -> &'static str {
    let settled = docker.carry(vec![parcel("volume", [writing(FILE, b"x")])]).await;
    settled[0].1.as_ref().unwrap_err().error.code()
}

#[test]
fn without_a_socket_it_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(at(&folder.path().join("docker.sock")).unwrap_err().code(), "engine_not_running");
}

#[tokio::test]
async fn with_a_stale_socket_it_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let docker = at(&socket).unwrap();
    assert_eq!(docker.ping().await.unwrap_err().code(), "engine_not_running");
    assert_eq!(carried(&docker).await, "engine_not_running");
}

#[tokio::test]
async fn an_engine_that_hangs_is_given_up_on() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let _silent = UnixListener::bind(&socket).unwrap();
    let begun = Instant::now();
    assert_eq!(carried(&at(&socket).unwrap()).await, "engine_hangs");
    assert!(begun.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn what_is_no_engine_is_not_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let silent = UnixListener::bind(&socket).unwrap();
    let closing = std::thread::spawn(move || {
        for connection in silent.incoming().take(2) {
            drop(connection.unwrap());
        }
    });
    let docker = at(&socket).unwrap();
    assert_eq!(docker.ping().await.unwrap_err().code(), "engine_broken");
    assert_eq!(docker.ping().await.unwrap_err().code(), "engine_broken");
    closing.join().unwrap();
}
