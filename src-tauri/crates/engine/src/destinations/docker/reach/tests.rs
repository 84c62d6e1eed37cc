use std::fs;

use sha2::{Digest, Sha256};

use super::*;

#[test]
fn tokens_never_cross_a_network_in_the_clear() {
    for (host, good) in [("127.0.0.1:2375", true), ("localhost:2375", true), ("10.0.0.1:2375", false)] {
        let choice = EngineChoice::Host(format!("tcp://{host}"));
        let connected = connect(&resolve(&choice, &Environment::default()).unwrap());
        assert_eq!(!matches!(connected, Err(EngineError::InTheClear { .. })), good, "{host}");
    }
}

fn with_context(name: &str, meta: &str) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    let hash: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
    let meta_folder = folder.path().join("contexts/meta").join(hash);
    fs::create_dir_all(&meta_folder).unwrap();
    fs::write(meta_folder.join("meta.json"), meta).unwrap();
    let environment = Environment { config: Some(folder.path().to_owned()), ..Environment::default() };
    (folder, environment)
}

const DESKTOP: &str =
    r#"{"Name":"desktop","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///d.sock","SkipTLSVerify":false}}}"#;

#[test]
fn a_folder_of_contexts_is_named_by_the_hash_of_the_name() {
    // As docker itself names it, so that the test doesn't only agree with itself.
    let hash: String = Sha256::digest("desktop-linux").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e");
}

#[test]
fn the_environment_is_asked_in_docker_s_order() {
    let (folder, mut environment) = with_context("desktop", DESKTOP);
    let found = |environment: &Environment| resolve(&EngineChoice::FromEnvironment, environment).unwrap().name;
    assert_eq!(found(&environment), "default");
    fs::write(folder.path().join("config.json"), r#"{"auths":{},"currentContext":"desktop"}"#).unwrap();
    assert_eq!(found(&environment), "desktop");
    environment.context = Some("default".to_owned());
    assert_eq!(found(&environment), "default");
    environment.host = Some("unix:///h.sock".to_owned());
    assert_eq!(found(&environment), "unix:///h.sock");
}

#[test]
fn the_stored_name_finds_the_same_engine_in_any_environment() {
    let (_folder, mut environment) = with_context("desktop", DESKTOP);
    environment.context = Some("desktop".to_owned());
    let first = resolve(&EngineChoice::FromEnvironment, &environment).unwrap();
    environment.context = None;
    environment.host = Some("tcp://elsewhere:1".to_owned());
    assert_eq!(resolve(&EngineChoice::named(&first.name), &environment).unwrap(), first);
    assert_eq!(first.shown, "desktop (unix:///d.sock)");
}

#[test]
fn a_context_that_changes_is_seen_at_once() {
    let (folder, environment) = with_context("desktop", DESKTOP);
    let address = || resolve(&EngineChoice::named("desktop"), &environment).unwrap().address();
    assert_eq!(address(), "unix:///d.sock");
    let meta = fs::read_dir(folder.path().join("contexts/meta")).unwrap().next().unwrap().unwrap().path();
    fs::write(meta.join("meta.json"), DESKTOP.replace("/d.sock", "/e.sock")).unwrap();
    assert_eq!(address(), "unix:///e.sock");
}

#[test]
fn tls_files_lie_beside_the_context_or_where_the_environment_says() {
    let (folder, mut environment) =
        with_context("remote", r#"{"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376"}}}"#);
    let choice = EngineChoice::Context("remote".to_owned());
    let plain = resolve(&choice, &environment).unwrap();
    assert_eq!(plain.address, Address::Tcp { host: "10.0.0.1:2376".to_owned(), tls: None });
    let hash: String = Sha256::digest("remote").iter().map(|byte| format!("{byte:02x}")).collect();
    let certificates = folder.path().join("contexts/tls").join(hash).join("docker");
    fs::create_dir_all(&certificates).unwrap();
    let Address::Tcp { tls: Some(tls), .. } = resolve(&choice, &environment).unwrap().address else { panic!() };
    assert_eq!(tls.ca, certificates.join("ca.pem"));

    environment.host = Some("tcp://10.0.0.2:2376".to_owned());
    environment.verify = true;
    environment.certificates = Some("/certs".into());
    let reach = resolve(&EngineChoice::FromEnvironment, &environment).unwrap();
    let Address::Tcp { tls: Some(tls), .. } = reach.address else { panic!() };
    assert_eq!(tls.key, Path::new("/certs/key.pem"));
}

#[test]
fn what_can_t_be_reached_is_told_apart() {
    let (folder, environment) = with_context("broken", r#"{"Endpoints":"#);
    let code = |choice: &str| resolve(&EngineChoice::named(choice), &environment).unwrap_err().code();
    assert_eq!(code("nowhere"), "context_unknown");
    assert_eq!(code("broken"), "context_broken");
    assert_eq!(code("ssh://me:password@host"), "engine_address_unknown");
    assert_eq!(code("gopher://host"), "engine_address_unknown");
    fs::write(folder.path().join("config.json"), "{").unwrap();
    let error = resolve(&EngineChoice::FromEnvironment, &environment).unwrap_err();
    assert_eq!(error.code(), "docker_config_broken");
}

#[test]
fn an_engine_over_ssh_is_found_by_address_and_by_context() {
    let (_folder, environment) =
        with_context("server", r#"{"Name":"server","Endpoints":{"docker":{"Host":"ssh://me@host:2222"}}}"#);
    let by_name = resolve(&EngineChoice::named("server"), &environment).unwrap();
    assert_eq!(by_name.shown, "server (ssh://me@host:2222)");
    let by_address = resolve(&EngineChoice::named("ssh://me@host:2222"), &environment).unwrap();
    assert_eq!((by_address.address(), by_address.address), (by_name.address(), by_name.address));
}

#[cfg(unix)]
mod by_name {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A machine with these sockets below its home.
    fn with_sockets(paths: &[&str]) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let socket = folder.path().join(path);
            fs::create_dir_all(socket.parent().unwrap()).unwrap();
            drop(UnixListener::bind(socket).unwrap());
        }
        let below = |name| Some(folder.path().join(name));
        let environment = Environment {
            home: below("home"),
            runtime: below("run"),
            temporary: below("tmp"),
            config: below("home/.docker"),
            ..Environment::default()
        };
        (folder, environment)
    }

    fn found(name: &str, environment: &Environment) -> Result<PathBuf, EngineError> {
        let reach = resolve(&EngineChoice::named(name), environment)?;
        assert_eq!(reach.name, name, "the name is what settings keep");
        Ok(reach.socket().unwrap().to_owned())
    }

    #[test]
    fn a_program_s_socket_is_found_at_its_usual_places() {
        for (name, place) in [
            ("docker-desktop", "home/.docker/desktop/docker.sock"),
            ("docker-desktop", "home/.docker/run/docker.sock"),
            ("colima", "home/.colima/default/docker.sock"),
            ("colima", "home/.config/colima/default/docker.sock"),
            ("orbstack", "home/.orbstack/run/docker.sock"),
            ("rancher-desktop", "home/.rd/docker.sock"),
            ("podman", "run/podman/podman.sock"),
            ("podman-desktop", "tmp/podman/podman-machine-default-api.sock"),
            ("rootless", "run/docker.sock"),
        ] {
            let (folder, environment) = with_sockets(&[place]);
            if place.starts_with("tmp") && Path::new("/run/podman/podman.sock").exists() {
                continue;
            }
            assert_eq!(found(name, &environment).unwrap(), folder.path().join(place), "{name}");
        }
    }

    #[test]
    fn a_context_of_the_same_name_comes_first() {
        let (folder, environment) = with_sockets(&["home/.colima/default/docker.sock"]);
        let hash: String = Sha256::digest("colima").iter().map(|byte| format!("{byte:02x}")).collect();
        let meta = folder.path().join("home/.docker/contexts/meta").join(hash);
        fs::create_dir_all(&meta).unwrap();
        let words = r#"{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///other.sock"}}}"#;
        fs::write(meta.join("meta.json"), words).unwrap();
        assert_eq!(found("colima", &environment).unwrap(), Path::new("/other.sock"));
        assert_eq!(known(&environment).iter().filter(|name| *name == "colima").count(), 1);
    }

    #[test]
    fn a_program_that_does_not_run_says_where_was_looked() {
        let (folder, environment) = with_sockets(&[]);
        // No socket, though something is there.
        fs::create_dir_all(folder.path().join("home/.rd/docker.sock")).unwrap();
        let error = found("rancher-desktop", &environment).unwrap_err();
        assert_eq!(error.code(), "engine_socket_missing");
        assert!(error.to_string().contains(folder.path().join("home/.rd/docker.sock").to_str().unwrap()), "{error}");
    }

    #[test]
    fn an_unknown_name_says_which_there_are() {
        let (_folder, environment) = with_sockets(&["home/.orbstack/run/docker.sock", "run/docker.sock"]);
        let error = found("orbstock", &environment).unwrap_err();
        assert_eq!(error.code(), "context_unknown");
        for name in ["default", "orbstack", "rootless"] {
            assert!(error.fix().contains(name), "{}", error.fix());
        }
    }
}
