//! What of a LiteLLM gives a token or a key away.

use std::fmt;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Model;
use super::words::ModelName;

/// Something by which a secret leaves for where it should not go. To be told before anything is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Requests for this model, and the token with them, go to somebody who is not Anthropic.
    ForeignBase {
        /// The model.
        model: ModelName,
        /// The host that gets the token.
        host: String,
    },
    /// The other way that comes to mind, `pass_through_endpoints` with `forward_headers`, sends the proxy's own key along.
    PassThrough,
}

impl Warning {
    /// What there is to warn of in a model.
    pub(super) fn of(model: &Model) -> Option<Self> {
        let host = model.stranger()?.to_owned();
        Some(Self::ForeignBase { model: model.name.clone(), host })
    }

    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignBase { .. } => "foreign_api_base",
            Self::PassThrough => "pass_through_leaks_key",
        }
    }

    /// What to do.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::ForeignBase { model, .. } => {
                format!("Leave out the api_base of {model}, or use a key of that host's there.")
            }
            Self::PassThrough => "Use what is printed here; or write auth: false at that endpoint, and let nobody but \
                                  yourself reach the port."
                .to_owned(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignBase { model, host } => write!(
                f,
                "Requests for {model} go to {host}, which is not Anthropic: whoever runs it gets your Claude token with each."
            ),
            Self::PassThrough => f.write_str(
                "Don't do the same by pass_through_endpoints with forward_headers: LiteLLM forwards every header there, also \
                 x-litellm-api-key, and so its own key goes to the target.",
            ),
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(3))?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("message", &self.to_string())?;
        map.serialize_entry("fix", &self.fix())?;
        map.end()
    }
}
