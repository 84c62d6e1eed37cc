//! The doctor, with the real thing wrong each time: what is found, and what `--fix` does about it.

mod containers;
mod contents;
mod engines;
mod installation;

use bed::{Dockerd, Home, Output, Provider, TestEngine, Tokenferry, Volume};
use serde_json::Value;

use crate::steps::{approve, delivering, sign_in};

/// Somebody signed in, and a volume that is approved of as `web`.
struct Scene {
    home: Home,
    volume: Volume,
    engine: TestEngine,
    _provider: Provider,
    /// Ends after what is made in it.
    _own: Option<Dockerd>,
}

impl Scene {
    /// Nothing is delivered yet.
    async fn approved() -> Self {
        let provider = Provider::start();
        let (home, engine) = delivering(&provider);
        Self::with(home, provider, engine, None).await
    }

    /// The volume is filled.
    async fn delivered() -> Self {
        let scene = Self::approved().await;
        scene.sync().await;
        scene
    }

    /// The same on an engine of its own, on which nothing else is.
    async fn apart() -> Self {
        let (provider, own) = (Provider::start(), Dockerd::start().await);
        let home = Home::new().provider(&provider).engine(&own);
        let scene = Self::with(home, provider, own.engine().clone(), Some(own)).await;
        scene.sync().await;
        scene
    }

    async fn with(home: Home, provider: Provider, engine: TestEngine, own: Option<Dockerd>) -> Self {
        sign_in(&home).await;
        let volume = engine.volume().await;
        approve(&home, "web", &volume).await;
        Self { home, volume, engine, _provider: provider, _own: own }
    }

    async fn sync(&self) {
        self.home.tokenferry(["sync"]).run().await.succeeds();
    }

    async fn told(&self, exit: i32) -> Told {
        told(&self.home, exit).await
    }

    async fn fix(&self, exit: i32) -> Output {
        fix(&self.home, exit).await
    }

    async fn write(&self, file: impl ToString) {
        write(&self.volume, file).await;
    }

    /// What the file of credentials holds.
    async fn file(&self) -> Value {
        self.volume.read(".credentials.json").await.json()
    }
}

/// Puts this into the file of credentials, as root would.
async fn write(volume: &Volume, file: impl ToString) {
    volume.write(".credentials.json", file.to_string().as_bytes(), (0, 0, 0o600)).await;
}

/// Lets the doctor mend what it may, and expects this exit code.
async fn fix(home: &Home, exit: i32) -> Output {
    home.tokenferry(["doctor", "--fix"]).run().await.ends_with(exit)
}

/// What the doctor found.
struct Told(Value);

/// Lets the doctor look, and expects this exit code.
async fn told(home: &Home, exit: i32) -> Told {
    told_by(home.tokenferry(["doctor"]), exit).await
}

/// The same by a program that is the doctor. Each finding is whole: no part is missing.
async fn told_by(doctor: Tokenferry, exit: i32) -> Told {
    let report = doctor.arg("--json").run().await.ends_with(exit).json();
    assert_eq!(report["needs_a_person"], exit != 0, "{report:#}");
    for finding in report["findings"].as_array().expect("a list") {
        for part in ["code", "severity", "what", "why", "fix"] {
            assert!(finding[part].as_str().is_some_and(|text| !text.is_empty()), "{finding:#}\nhas no {part}");
        }
        assert!(finding["where"].is_object() && finding["fixable"].is_boolean(), "{finding:#}");
    }
    Told(report)
}

impl Told {
    fn findings(&self) -> &[Value] {
        self.0["findings"].as_array().expect("a list")
    }

    /// The codes of the findings about this container, destination or whatever else; of all with `""`.
    fn codes(&self, about: &str) -> Vec<&str> {
        let is_about = |finding: &&Value| {
            about.is_empty() || finding["where"].as_object().is_some_and(|named| named.values().any(|it| it == about))
        };
        let mut codes: Vec<&str> =
            self.findings().iter().filter(is_about).map(|finding| finding["code"].as_str().expect("a word")).collect();
        codes.sort_unstable();
        codes
    }

    /// The only finding with this code.
    fn only(&self, code: &str) -> &Value {
        let mut found = self.findings().iter().filter(|finding| finding["code"] == code);
        let first = found.next().unwrap_or_else(|| panic!("{code} was not found, but {:#}", self.0));
        assert!(found.next().is_none(), "{code} was found twice: {:#}", self.0);
        first
    }

    /// Whether the only finding with this code says all of these, in any of its parts.
    fn says(&self, code: &str, parts: &[&str]) {
        let finding = self.only(code);
        let text = ["what", "why", "fix"].map(|part| finding[part].as_str().expect("a text")).join("\n");
        for part in parts {
            assert!(text.contains(part), "{finding:#}\ndoes not say {part:?}");
        }
    }
}
