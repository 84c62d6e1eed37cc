//! Every question that the page may ask, as one value, for a host to which they come as such.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answers::Answer;
use crate::desk::Desk;
use crate::sign_in::Way;
use crate::told::Told;

/// What the page asks: `{"ask": "usage", "account": "default"}`. Each is the [`Desk`]'s method of the same name.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the methods are documented")]
pub enum Ask {
    View,
    Activity { most: u32 },
    Usage { account: String },
    UsedBy { destination: String },
    Discover,
    Approve { engine: String, name: String, account: Option<String> },
    AddVolume { name: String, volume: String, engine: Option<String>, account: Option<String> },
    AddDirectory { name: String, directory: String, account: Option<String> },
    RemoveDestination { name: String },
    Sync { names: Vec<String> },
    Snippet { destination: String },
    Refresh { account: String },
    SignOut { account: String },
    SignIn { account: String, way: Way },
    SignInPaste { code: String },
    SignInReplace { yes: bool },
    SignInCancel,
    Problems,
    Mend,
    SetPaused { on: bool },
    SetQuiet { on: bool },
    SetStartAtLogin { on: bool },
    OpenUrl { url: String },
}

impl Desk {
    /// Answers any question, as JSON; `null` where there is nothing to say.
    ///
    /// # Errors
    /// As told. A sign-in needs the reactor of tokio that this runs in.
    pub async fn answer(&self, ask: Ask) -> Answer<Value> {
        match ask {
            Ask::View => json(self.view()?),
            Ask::Activity { most } => json(self.activity(most)?),
            Ask::Usage { account } => json(self.usage(&account).await?),
            Ask::UsedBy { destination } => json(self.used_by(&destination).await?),
            Ask::Discover => json(self.discover().await?),
            Ask::Approve { engine, name, account } => json(self.approve(&engine, &name, account.as_deref()).await?),
            Ask::AddVolume { name, volume, engine, account } => {
                json(self.add_volume(&name, &volume, engine.as_deref(), account.as_deref()).await?)
            }
            Ask::AddDirectory { name, directory, account } => {
                json(self.add_directory(&name, &directory, account.as_deref()).await?)
            }
            Ask::RemoveDestination { name } => json(self.remove_destination(&name).await?),
            Ask::Sync { names } => json(self.sync(&names).await?),
            Ask::Snippet { destination } => json(self.snippet(&destination)?),
            Ask::Refresh { account } => json(self.refresh(&account).await?),
            Ask::SignOut { account } => json(self.sign_out(&account).await?),
            Ask::SignIn { account, way } => json(self.sign_in(&account, way)?),
            Ask::SignInPaste { code } => json(self.sign_in_paste(code)?),
            Ask::SignInReplace { yes } => json(self.sign_in_replace(yes)?),
            Ask::SignInCancel => {
                self.sign_in_cancel();
                json(())
            }
            Ask::Problems => json(self.problems().await?),
            Ask::Mend => json(self.mend().await?),
            Ask::SetPaused { on } => json(self.set_paused(on).await?),
            Ask::SetQuiet { on } => json(self.set_quiet(on).await?),
            Ask::SetStartAtLogin { on } => json(self.set_start_at_login(on)?),
            Ask::OpenUrl { url } => json(self.open_url(&url)?),
        }
    }
}

fn json(answer: impl Serialize) -> Answer<Value> {
    serde_json::to_value(answer)
        .map_err(|why| Told::new("untellable", format_args!("The answer can't be told: {why}."), ""))
}
