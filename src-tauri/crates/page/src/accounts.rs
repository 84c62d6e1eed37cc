//! Signing in and out, and renewing.

use engine::Goodbye;
use engine::credentials::Kind;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::answers::{Answer, Gone};
use crate::desk::Desk;

/// What became of signing out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SignedOut {
    /// In a sentence or two.
    pub text: String,
    /// What could not be reached, or lives on; a sentence or two each.
    pub left: Vec<String>,
}

impl Desk {
    /// Renews at once.
    ///
    /// # Errors
    /// As told, here and below.
    pub async fn refresh(&self, account: &str) -> Answer<()> {
        self.engine()?.refresh(&account.parse()?).await?;
        Ok(())
    }

    /// Signs out, and takes every copy away.
    pub async fn sign_out(&self, account: &str) -> Answer<SignedOut> {
        let goodbye = self.engine()?.sign_out(&account.parse()?).await?;
        Ok(told(account, &goodbye))
    }
}

fn told(account: &str, goodbye: &Goodbye) -> SignedOut {
    let gone = goodbye.copies.iter().map(Gone::from);
    let mut left: Vec<String> = gone.filter(|it| !it.reached).map(|it| it.text).collect();
    if goodbye.unreadable.is_some() {
        let text = "The sign-in could not be read any more, so Claude was not told. There it ends by itself.";
        left.push(text.to_owned());
    }
    if let Some((kind, ends)) = goodbye.outlived {
        left.push(outlived(kind, ends));
    }
    let text = match &goodbye.untold {
        None => format!("Signed out {account}."),
        Some(why) => format!("Signed out {account} here, but not at Claude yet. {why} Tokenferry tries again."),
    };
    SignedOut { text, left }
}

fn outlived(kind: Kind, ends: Option<Timestamp>) -> String {
    match ends {
        Some(ends) => {
            let ends = engine::status::moment(ends, Timestamp::now(), &TimeZone::system());
            format!(
                "Claude does not end {} before its time: whoever has it can use it until {ends}.",
                kind.with_article()
            )
        }
        None => format!("Claude still takes the {kind}: delete it in the Claude Console where nobody needs it."),
    }
}
