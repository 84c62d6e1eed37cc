//! An engine over SSH: delivered to, and each thing that can stand in the way told by its own sentence.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bed::{Dockerd, SshHost, TestEngine};
use engine::destinations::docker::{Docker, EngineChoice, EngineError, Environment, resolve};
use engine::destinations::{Change, Glance, Outcome};

use crate::parcels::{FILE, carry, file, parcel, random, writing};

/// Tells this test program to keep a connection until it is killed: an address and an `ssh`.
const STEP: &str = "TOKENFERRY_TEST_STEP";
/// What was begun ends by itself within this.
const GONE: Duration = Duration::from_secs(5);

fn environment(host: &SshHost) -> Environment {
    Environment { ssh: Some(host.program()), ..Environment::default() }
}

fn docker_at(address: &str, host: &SshHost) -> Docker {
    let reach = resolve(&EngineChoice::Host(address.to_owned()), &environment(host)).unwrap();
    Docker::new(reach, &random()).unwrap()
}

fn docker(host: &SshHost) -> Docker {
    docker_at(&host.address(), host)
}

/// Why the engine can't be asked. What is said to a person has to be sentences.
async fn refusal(docker: &Docker) -> EngineError {
    let error = docker.ping().await.expect_err("it should not answer");
    assert!(error.to_string().ends_with('.') && error.fix().ends_with('.'), "{error} {}", error.fix());
    error
}

async fn nobody_is_left(host: &SshHost) {
    let begun = Instant::now();
    while !host.clients().is_empty() {
        assert!(begun.elapsed() < GONE, "still there: {:?}", host.clients());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_delivery_goes_over_ssh_and_signs_in_once() {
    let far = Dockerd::start().await;
    let host = SshHost::start(&far).await;
    let docker = docker(&host);
    let (volume, other) = (far.volume().await, far.volume().await);
    volume.make_folder(".", (1000, 1000, 0o755)).await;

    let parcels = [&volume, &other].map(|volume| parcel(volume.name(), [writing(FILE, b"far away")]));
    for (_, settled) in docker.carry(parcels.into()).await {
        assert_eq!(settled.unwrap().files[0].outcome, Outcome::Written);
    }
    let found = volume.read(FILE).await;
    assert_eq!((found.contents(), found.rights()), (&b"far away"[..], (1000, 1000, 0o600)));

    let glance = Glance { destination: "d".to_owned(), root: volume.name().to_owned(), paths: vec![FILE.to_owned()] };
    let seen = docker.look(vec![glance]).await.remove(0).1.unwrap();
    assert_eq!(seen[0].file.as_ref().unwrap().content.as_ref().unwrap().expose(), b"far away");
    carry(&docker, parcel(volume.name(), [file(FILE, |_| Change::Remove)])).await.unwrap();
    assert_eq!(volume.find(FILE).await, None);
    assert!(far.containers().await.is_empty());

    assert_eq!(host.sign_ins(), 1);
    assert!(!host.clients().is_empty(), "one is kept for the next call");
    drop(docker);
    nobody_is_left(&host).await;
}

#[tokio::test]
async fn the_socket_in_the_address_is_used() {
    let far = Dockerd::start().await;
    let host = SshHost::start_with("unix:///nowhere.sock", &std::env::var("PATH").unwrap()).await;
    let socket = far.host().trim_start_matches("unix://");
    docker_at(&format!("{}{socket}", host.address()), &host).ping().await.unwrap();
    let error = refusal(&docker(&host)).await;
    assert_eq!(error.code(), "engine_not_running", "{error}");
}

#[tokio::test]
async fn an_unknown_or_changed_host_is_not_trusted() {
    let host = SshHost::start(&TestEngine::get()).await;
    host.forget_host();
    let line = host.address().replace("ssh://", "").replace(':', " ");
    let (login, port) = line.split_once(' ').unwrap();
    let line = format!("\"ssh -p {port} {login}\"");
    let error = refusal(&docker(&host)).await;
    assert_eq!(error.code(), "ssh_host_unknown", "{error}");
    assert!(error.fix().contains(&line), "{}", error.fix());

    host.know_other_host();
    let error = refusal(&docker(&host)).await;
    assert_eq!(error.code(), "ssh_host_changed", "{error}");
    assert!(error.fix().contains(&format!("ssh-keygen -R '[127.0.0.1]:{port}'")), "{}", error.fix());
    assert_eq!(host.sign_ins(), 0, "nobody signed in to a host that is not trusted");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_apart() {
    let host = SshHost::start(&TestEngine::get()).await;
    let code = async |docker: Docker| refusal(&docker).await.code();
    let elsewhere = |address: &str| docker_at(address, &host);
    assert_eq!(code(elsewhere("ssh://127.0.0.1:9")).await, "ssh_unreachable");
    assert_eq!(code(elsewhere("ssh://no-such-host.invalid")).await, "ssh_unreachable");
    host.refuse_key();
    assert_eq!(code(docker(&host)).await, "ssh_refused");

    let missing = Environment { ssh: Some("/no/such/ssh".into()), ..Environment::default() };
    let reach = resolve(&EngineChoice::Host(host.address()), &missing).unwrap();
    assert_eq!(code(Docker::new(reach, "x").unwrap()).await, "ssh_missing");

    let bare = SshHost::start_with(TestEngine::get().host(), "/nowhere").await;
    assert_eq!(code(docker(&bare)).await, "ssh_no_docker");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_given_up_on() {
    let host = SshHost::start(&TestEngine::get()).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let begun = Instant::now();
    let docker = docker_at(&format!("ssh://{}", silent.local_addr().unwrap()), &host);
    assert_eq!(refusal(&docker).await.code(), "ssh_unreachable");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_engine_that_stops_or_a_connection_that_breaks_is_found_again() {
    let mut far = Dockerd::start().await;
    let host = SshHost::start(&far).await;
    let docker = docker(&host);
    docker.ping().await.unwrap();
    far.stop().await;
    // What was open breaks, at the latest when it is used.
    let _ = docker.ping().await;
    let error = refusal(&docker).await;
    assert_eq!(error.code(), "engine_not_running", "{error}");
    far.restart().await;
    docker.ping().await.unwrap();

    host.signal_connections(rustix::process::Signal::KILL);
    let _ = docker.ping().await;
    docker.ping().await.unwrap();
}

#[tokio::test]
async fn a_person_s_own_sharing_of_connections_is_used() {
    let host = SshHost::start(&TestEngine::get()).await;
    let folder = tempfile::tempdir().unwrap();
    host.set(&format!("ControlPath {}/mine", folder.path().display()));
    // As somebody has it who signs in once a day.
    let mut theirs =
        Command::new(host.program()).args(["-M", "-N", &host.address()]).stdin(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !folder.path().join("mine").exists() {
        assert!(begun.elapsed() < GONE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    host.refuse_key();
    let docker = docker(&host);
    docker.ping().await.unwrap();
    assert_eq!(host.sign_ins(), 1);
    drop(docker);
    assert!(theirs.try_wait().unwrap().is_none(), "theirs stays");
    theirs.kill().unwrap();
    theirs.wait().unwrap();
}

#[tokio::test]
async fn a_host_that_allows_nothing_but_docker_will_do() {
    let host = SshHost::start(&TestEngine::get()).await;
    host.allow_docker_alone();
    let docker = docker(&host);
    let volume = TestEngine::get().volume().await;
    carry(&docker, parcel(volume.name(), [writing(FILE, b"x")])).await.unwrap();
    assert_eq!(volume.read(FILE).await.contents(), b"x");
}

#[tokio::test]
async fn nothing_is_left_of_a_process_that_was_killed() {
    let host = SshHost::start(&TestEngine::get()).await;
    // What it leaves is an empty folder, which is swept away later.
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ssh::child", "--nocapture"])
        .env(STEP, format!("{} {}", host.address(), host.program().display()))
        .env("XDG_RUNTIME_DIR", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while host.clients().len() < 2 {
        assert!(begun.elapsed() < GONE, "a leading connection, and one for the call");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    nobody_is_left(&host).await;
}

#[tokio::test]
async fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let (address, program) = step.split_once(' ').unwrap();
    let environment = Environment { ssh: Some(program.into()), ..Environment::default() };
    let reach = resolve(&EngineChoice::Host(address.to_owned()), &environment).unwrap();
    let docker = Docker::new(reach, "killed").unwrap();
    loop {
        docker.ping().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
