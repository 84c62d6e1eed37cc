//! Which kind of credential a format can carry: a table, asked before anything is delivered.

use super::Kind;

/// A format that can't carry a kind of credential, and what does instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The format {format} can't carry {}: {why}.", .kind.with_article())]
pub struct Misfit {
    /// What was to be carried.
    pub kind: Kind,
    /// The format's name.
    pub format: String,
    why: &'static str,
    instead: &'static str,
}

impl Misfit {
    /// The stable word for it in JSON.
    pub fn code(&self) -> &'static str {
        "format_misfit"
    }

    /// What to do, in a sentence.
    pub fn fix(&self) -> &'static str {
        self.instead
    }
}

/// What doesn't fit: kind, format, why, and what to do instead. All else does.
const MISFITS: [(Kind, &str, &str, &str); 4] = [
    (
        Kind::ApiKey,
        "claude-code",
        "its file holds tokens of a sign-in, and Claude Code looks for no key there",
        "Deliver it as `token-file`, and name a command that prints that file as `apiKeyHelper` in Claude Code's \
         settings; or deliver it as `dotenv`, which has it as ANTHROPIC_API_KEY.",
    ),
    (
        Kind::ApiKey,
        "anthropic-profile",
        "a profile holds tokens of a sign-in",
        "Deliver it as `dotenv`: the SDKs take ANTHROPIC_API_KEY from the environment.",
    ),
    (
        Kind::ApiKey,
        "litellm-tokens",
        "its file holds tokens of a sign-in",
        "Deliver it as `token-file` or `dotenv`, and name that as `api_key` in LiteLLM's configuration.",
    ),
    (
        Kind::SignIn,
        "github-actions",
        "its token ends after some hours, and a secret of GitHub's stays as it was set",
        "Get a token of a year with `tokenferry login --one-year --account NAME`.",
    ),
];

/// Whether a format, by its name, can carry this kind of credential. A format that is not in the table carries them all.
///
/// # Errors
/// [`Misfit`], with what to do instead.
pub fn fits(kind: Kind, format_name: &str) -> Result<(), Misfit> {
    match MISFITS.iter().find(|(not, format, ..)| *not == kind && *format == format_name) {
        Some((_, format, why, instead)) => Err(Misfit { kind, format: (*format).to_owned(), why, instead }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair, on purpose in full: whoever adds a format decides here.
    const TABLE: [(&str, [bool; 3]); 7] = [
        // format, and whether it carries a sign-in, a one-year token, an API key
        ("claude-code", [true, true, false]),
        ("anthropic-profile", [true, true, false]),
        ("token-file", [true, true, true]),
        ("dotenv", [true, true, true]),
        ("litellm-tokens", [true, true, false]),
        ("json", [true, true, true]),
        ("github-actions", [false, true, true]),
    ];

    #[test]
    fn every_pair_is_decided() {
        for (format, carries) in TABLE {
            for (kind, carries) in Kind::ALL.into_iter().zip(carries) {
                assert_eq!(fits(kind, format).is_ok(), carries, "{kind} as {format}");
            }
        }
        for (kind, format, ..) in MISFITS {
            assert!(TABLE.iter().any(|(known, _)| *known == format), "{kind} as {format}");
        }
    }

    #[test]
    fn a_misfit_says_what_and_what_instead() {
        let misfit = fits(Kind::ApiKey, "claude-code").unwrap_err();
        assert_eq!(
            misfit.to_string(),
            "The format claude-code can't carry an API key: its file holds tokens of a sign-in, and Claude Code looks for \
             no key there."
        );
        assert!(misfit.fix().contains("apiKeyHelper") && misfit.fix().contains("ANTHROPIC_API_KEY"));
        for (kind, format, ..) in MISFITS {
            let misfit = fits(kind, format).unwrap_err();
            assert!(misfit.to_string().ends_with('.') && misfit.fix().ends_with('.'), "{misfit}");
        }
    }
}
