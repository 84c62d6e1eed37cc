//! What is wrong, why it matters, and how to mend it: facts in, findings out.
//!
//! Everything here is a pure judgement. The facts are gathered by the engine's examination, and what can be mended safely
//! is mended there too.

mod accounts;
mod contents;
mod discovered;
mod engines;
mod environment;
mod facts;
mod finding;
mod installation;
mod leftovers;
mod rights;
mod uses;
mod version;

use serde::Serialize;

pub use contents::Contents;
pub use environment::is_overridden;
pub use facts::{EngineFacts, Facts, Folder, Looked, ProviderFacts, Sight, VaultFacts};
pub use finding::{Finding, Mend, Severity, Subject};
pub use uses::{Use, uses};

/// What came of looking at everything.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// As of when.
    pub at: jiff::Timestamp,
    /// How much was looked at.
    pub looked_at: Counts,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accounts.
    pub accounts: usize,
    /// Destinations.
    pub destinations: usize,
    /// Engines that answered.
    pub engines: usize,
    /// Containers on them, running or not.
    pub containers: usize,
}

impl Examination {
    /// What the facts amount to.
    pub fn of(facts: &Facts) -> Self {
        let mut findings = installation::judge(facts);
        findings.extend(accounts::judge(facts));
        for engine in &facts.engines {
            findings.extend(engines::judge(engine, facts));
        }
        findings.sort_by_key(|finding| finding.severity);
        let sights = || facts.engines.iter().filter_map(|engine| engine.sight.as_ref().ok());
        let looked_at = Counts {
            accounts: facts.accounts.len(),
            destinations: facts.destinations.len(),
            engines: sights().count(),
            containers: sights().map(|sight| sight.survey.containers.len()).sum(),
        };
        Self { at: facts.now, looked_at, findings }
    }

    /// Where this error kept everything from being looked at.
    pub fn prevented(at: jiff::Timestamp, error: &crate::Error) -> Self {
        Self { at, looked_at: Counts::default(), findings: vec![installation::prevented(error)] }
    }

    /// Whether there is something that a person should see to; notes are for whoever wants to know.
    pub fn needs_a_person(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity != Severity::Note)
    }
}

#[cfg(test)]
mod tests;
