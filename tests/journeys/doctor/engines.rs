//! Engines that can't be reached, each for its own reason; and what earlier runs left on one that can.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use bed::{Home, Run};
use bollard::models::VolumeCreateRequest;
use serde_json::json;

use super::{Scene, told, told_by};

/// `nobody`, who is in no group that matters.
const NOBODY: u32 = 65534;

fn add(home: &Home, name: &str, engine: &str) -> bed::Tokenferry {
    home.tokenferry(["destination", "add", name, "--volume", "v", "--engine", engine])
}

#[tokio::test]
async fn an_engine_that_does_not_run_and_a_context_that_is_none() {
    let home = Home::new();
    let config = "[[destination]]\nname = \"web\"\nvolume = \"v\"\nengine = \"nowhere\"\n";
    std::fs::write(home.state().join("config.toml"), config).unwrap();
    let gone = format!("unix://{}/gone.sock", home.path().display());
    add(&home, "gone", &gone).run().await.succeeds();
    let found = told(&home, 1).await;
    assert_eq!(found.codes("nowhere"), ["account_signed_out", "context_unknown"]);
    found.says("context_unknown", &["\"nowhere\""]);
    assert!(found.codes(&gone).iter().any(|code| *code != "account_signed_out"), "{:?}", found.codes(""));
}

/// The socket of Docker belongs to a group as a rule; who is not in it is told which.
#[tokio::test]
async fn whoever_may_not_use_the_socket_is_told_the_group() {
    let home = Home::new();
    let socket = home.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let groups = std::fs::read_to_string("/etc/group").unwrap();
    let group = groups.lines().find_map(|line| line.strip_prefix("adm:x:")).expect("a group named adm");
    chown(&socket, Some(0), Some(group.split(':').next().unwrap().parse().unwrap())).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o660)).unwrap();
    add(&home, "web", &format!("unix://{}", socket.display())).run().await.succeeds();

    let given = Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(home.state()).status().unwrap();
    assert!(given.success());
    for folder in [home.path(), &home.state()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    let program = home.path().join("tokenferry");
    std::fs::copy(bed::programs::built("tokenferry"), &program).unwrap();
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()];
    let doctor = home.program("setpriv", ids).arg(&program).args(["doctor"]);
    let found = told_by(doctor, 1).await;
    assert_eq!(found.only("engine_not_allowed")["severity"], "problem");
    found.says("engine_not_allowed", &["Join the group \"adm\"", "usermod -aG adm", "anew"]);
    drop(listener);
}

#[tokio::test]
async fn an_engine_that_hangs_holds_up_nobody() {
    let scene = Scene::delivered().await;
    scene.write("{}").await;
    // Connections are taken by the system, and nobody ever answers.
    let sockets: Vec<_> = (0..3).map(|number| scene.home.path().join(format!("hangs-{number}.sock"))).collect();
    let _listeners: Vec<_> = sockets.iter().map(|socket| UnixListener::bind(socket).unwrap()).collect();
    for (number, socket) in sockets.iter().enumerate() {
        let name = format!("hangs-{number}");
        add(&scene.home, &name, &format!("unix://{}", socket.display())).run().await.succeeds();
    }
    let begun = Instant::now();
    let found = scene.told(1).await;
    assert!(begun.elapsed() < Duration::from_secs(25), "one after the other: {:?}", begun.elapsed());
    assert_eq!(found.codes("web"), ["file_empty"]);
    let hangs = found.codes("").into_iter().filter(|code| *code == "engine_hangs").count();
    assert_eq!(hangs, 3, "{:?}", found.codes(""));
}

#[tokio::test]
async fn leftovers_of_ours_are_told_and_cleared_away() {
    let scene = Scene::delivered().await;
    let installation = std::fs::read_to_string(scene.home.state().join("installation")).unwrap();
    let courier = Run::app(["sleep"])
        .label("tokenferry.courier", "1")
        .label("tokenferry.installation", &installation)
        .label("tokenferry.session", "killed");
    let courier = scene.engine.create(courier).await;
    let accident = scene.engine.missing_volume();
    let request = VolumeCreateRequest {
        name: Some(accident.name().to_owned()),
        labels: Some([("tokenferry.accident".to_owned(), installation)].into()),
        ..VolumeCreateRequest::default()
    };
    scene.engine.docker().create_volume(request).await.unwrap();

    // Looking, also into the volumes, clears nothing away.
    for _ in 0..2 {
        let found = scene.told(0).await;
        assert_eq!(found.only("leftovers")["fixable"], json!(true));
        found.says("leftovers", &["1 container and 1 volume"]);
    }
    let mended = scene.fix(0).await;
    assert!(mended.stderr.contains("Mended: cleared up on engine"), "{mended}");
    assert!(!mended.stdout.contains("left something behind"), "{mended}");
    assert!(scene.engine.docker().inspect_container(courier.id(), None).await.is_err());
    assert!(!accident.exists().await);
    assert!(scene.volume.exists().await);
}
