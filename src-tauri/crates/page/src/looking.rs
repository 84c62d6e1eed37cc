//! What there is to see besides the view: what happened, how much is used, what is wrong.

use engine::doctor::Finding;
use engine::journal::Event;
use engine::provider::UsageWindow;
use serde::Serialize;

use crate::answers::Answer;
use crate::desk::Desk;

/// The most events that a page shows.
const MOST: u32 = 500;

/// Something that is wrong.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Problem {
    /// The stable word for it.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// Why that matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Whether it can be mended from here without harm.
    pub can_mend: bool,
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        let can_mend = finding.is_fixable();
        Self { code: finding.code, what: finding.what, why: finding.why, fix: finding.fix, can_mend }
    }
}

/// What was done about it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Mended {
    /// What was to be done.
    pub what: String,
    /// What became of it, in a sentence.
    pub text: String,
}

impl From<engine::Mended> for Mended {
    fn from(done: engine::Mended) -> Self {
        let text = match done.trouble {
            None => format!("Mended: {}.", done.what),
            Some(trouble) => format!("Could not {}. {} {}", done.what, trouble.what, trouble.fix),
        };
        Self { text, what: done.what }
    }
}

impl Desk {
    /// What happened, the newest last.
    ///
    /// # Errors
    /// As told, here and below.
    pub fn activity(&self, most: u32) -> Answer<Vec<Event>> {
        Ok(self.engine()?.activity(most.min(MOST))?)
    }

    /// How much of its plan an account has used.
    pub async fn usage(&self, account: &str) -> Answer<Vec<UsageWindow>> {
        Ok(self.engine()?.usage(&account.parse()?).await?)
    }

    /// All that is wrong, the worst first.
    pub async fn problems(&self) -> Answer<Vec<Problem>> {
        let examination = self.engine()?.examine().await;
        Ok(examination.findings.into_iter().map(Problem::from).collect())
    }

    /// Mends what can be mended without harm.
    pub async fn mend(&self) -> Answer<Vec<Mended>> {
        let engine = self.engine()?;
        let found = engine.examine().await.findings;
        Ok(engine.mend(&found).await.into_iter().map(Mended::from).collect())
    }
}
