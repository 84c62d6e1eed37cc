//! The doctor, with the real thing wrong each time: what is found, and what `--fix` does about it.

mod containers;
mod contents;
mod engines;
mod installation;

use bed::{Home, Tokenferry};
use serde_json::Value;

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
