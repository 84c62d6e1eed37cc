//! What of a process's environment says which engine is meant, and where engines usually are.

use std::path::PathBuf;

/// What of the process's environment says which engine is meant.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `DOCKER_HOST`
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`
    pub context: Option<String>,
    /// `DOCKER_CERT_PATH`
    pub certificates: Option<PathBuf>,
    /// Whether `DOCKER_TLS_VERIFY` is set to anything.
    pub verify: bool,
    /// `DOCKER_CONFIG`, else `.docker` in the user's home: where docker keeps `config.json` and contexts.
    pub config: Option<PathBuf>,
    /// The user's home, below which programs that bring an engine put its socket.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`: the user's own folder for sockets.
    pub runtime: Option<PathBuf>,
    /// The system's folder for temporary files; on macOS podman puts its socket there.
    pub temporary: Option<PathBuf>,
    /// The program that speaks SSH, where it is not the `ssh` on the `PATH`.
    pub ssh: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        Self {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            certificates: text("DOCKER_CERT_PATH").map(PathBuf::from),
            verify: text("DOCKER_TLS_VERIFY").is_some(),
            config: text("DOCKER_CONFIG").map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(".docker"))),
            home,
            runtime: text("XDG_RUNTIME_DIR").map(PathBuf::from),
            temporary: Some(std::env::temp_dir()),
            ssh: None,
        }
    }
}
