//! The ways in which people start containers. Each way starts the practice app once, whose first act is to read the file,
//! waits for its end, and leaves no container behind; the volume stays.

use std::path::Path;
use std::process::{Output, Stdio};

use bed::{TestEngine, Volume};
use tempfile::TempDir;
use tokio::process::Command;

use crate::images::SETTINGS;
use crate::watch::FILE;

/// A way to start a container.
#[derive(Debug)]
pub(crate) enum Way {
    /// `docker run`, which attaches first.
    Run,
    /// `docker run --detach`: the fastest between create and start.
    RunDetached,
    /// `docker-compose up`, or `docker compose up`.
    Compose(Compose),
    /// `docker create`, then `docker start`.
    CreateAndStart,
}

impl Way {
    /// Starts one, and answers with what the app said.
    pub(crate) async fn start(&self, engine: &TestEngine, image: &str, user: &str, volume: &Volume) -> String {
        let mount = format!("{}:{SETTINGS}", volume.name());
        let path = format!("{SETTINGS}/{FILE}");
        let app = ["/app", "first-look", "--file", &path];
        match self {
            Self::Run => {
                let arguments = ["run", "--rm", "--network=none", "--user", user, "--volume", &mount, image];
                said(&docker(engine, arguments.into_iter().chain(app)).await)
            }
            Self::RunDetached => {
                let arguments = ["run", "--detach", "--network=none", "--user", user, "--volume", &mount, image];
                let id = said(&docker(engine, arguments.into_iter().chain(app)).await);
                docker(engine, ["wait", id.trim()]).await;
                let said = said(&docker(engine, ["logs", id.trim()]).await);
                docker(engine, ["rm", id.trim()]).await;
                said
            }
            Self::Compose(compose) => compose.start(engine, image, user, volume.name()).await,
            Self::CreateAndStart => {
                let arguments = ["create", "--network=none", "--user", user, "--volume", &mount, image];
                let id = said(&docker(engine, arguments.into_iter().chain(app)).await);
                let said = said(&docker(engine, ["start", "--attach", id.trim()]).await);
                docker(engine, ["rm", id.trim()]).await;
                said
            }
        }
    }
}

/// A compose project.
#[derive(Debug)]
pub(crate) struct Compose {
    program: &'static [&'static str],
    project: TempDir,
}

impl Compose {
    /// With whichever compose is installed.
    pub(crate) async fn find() -> Self {
        for program in [&["docker-compose"][..], &["docker", "compose"]] {
            let asked = Command::new(program[0]).args(&program[1..]).arg("version").output().await;
            if asked.is_ok_and(|asked| asked.status.success()) {
                let project = tempfile::Builder::new().prefix("starts").tempdir().unwrap();
                return Self { program, project };
            }
        }
        panic!("There is no docker-compose. Install it with `setup/install compose`, or run `make test`.");
    }

    /// A project in which the volume is a volume of its own, made and taken away with the project.
    async fn start(&self, engine: &TestEngine, image: &str, user: &str, volume: &str) -> String {
        let yaml = format!(
            "version: '2.4'\n\
             services:\n\
             \x20 app:\n\
             \x20   image: {image}\n\
             \x20   user: '{user}'\n\
             \x20   network_mode: none\n\
             \x20   volumes: ['auth:{SETTINGS}']\n\
             \x20   command: [/app, first-look, --file, {SETTINGS}/{FILE}]\n\
             volumes:\n\
             \x20 auth: {{name: '{volume}'}}\n"
        );
        std::fs::write(self.project.path().join("docker-compose.yml"), yaml).unwrap();
        let up = self.run(engine, &["up", "--no-color"]).await;
        self.run(engine, &["rm", "--force"]).await;
        said(&up)
    }

    async fn run(&self, engine: &TestEngine, arguments: &[&str]) -> Output {
        let (program, first) = self.program.split_first().unwrap();
        let project: &Path = self.project.path();
        let command = Command::new(program)
            .args(first)
            .args(arguments)
            .current_dir(project)
            .env("DOCKER_HOST", engine.host())
            .stdin(Stdio::null())
            .output();
        let output = command.await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

async fn docker<'a>(engine: &TestEngine, arguments: impl IntoIterator<Item = &'a str>) -> Output {
    let command = Command::new("docker").args(["--host", engine.host()]).args(arguments).stdin(Stdio::null()).output();
    command.await.expect("the docker CLI comes with the engine")
}

fn said(output: &Output) -> String {
    assert!(output.stdout.len() > 1, "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
