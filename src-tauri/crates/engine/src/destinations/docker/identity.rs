//! What an engine says it is: Docker or podman, of which version, on which machine. Asked once.

use bollard::models::SystemVersion;

use super::{Docker, EngineError};

/// Who made an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// Docker, or what is built of it.
    Docker,
    /// podman's service, which speaks Docker's language, and differs in places.
    Podman,
}

/// What an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who made it.
    pub maker: Maker,
    /// Its version, such as `20.10.24`; empty where it does not tell.
    pub version: String,
    /// Its machine, as Go calls it: `amd64`, `arm64`.
    pub machine: String,
}

impl Identity {
    fn of(told: SystemVersion) -> Self {
        let is_podman = |name: &str| name == "Podman Engine";
        let podman = told.components.iter().flatten().any(|component| is_podman(&component.name));
        Self {
            maker: if podman { Maker::Podman } else { Maker::Docker },
            version: told.version.unwrap_or_default(),
            machine: told.arch.unwrap_or_default(),
        }
    }
}

impl Docker {
    /// What the engine is.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn identity(&self) -> Result<&Identity, EngineError> {
        self.identity
            .get_or_try_init(|| async { Ok(Identity::of(self.call("tell its version", self.api.version()).await?)) })
            .await
    }

    /// Whether it is podman. One that doesn't tell is not relied on.
    pub(super) async fn is_podman(&self) -> bool {
        self.identity().await.map_or(true, |identity| identity.maker == Maker::Podman)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_is_known_by_its_component() {
        let told = |name: &str| {
            let told =
                format!(r#"{{"Version":"4.3.1","Arch":"amd64","Components":[{{"Name":"{name}","Version":"x"}}]}}"#);
            Identity::of(serde_json::from_str(&told).unwrap()).maker
        };
        assert_eq!(told("Podman Engine"), Maker::Podman);
        assert_eq!(told("Engine"), Maker::Docker);
    }
}
