//! The words of the command line.

mod places;
mod serving;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use engine::account::AccountName;
use engine::destinations::OwnerChoice;
use engine::destinations::kubernetes::SecretPlace;
use engine::formats::Format;
use engine::settings::DestinationName;
use engine::snippets::{self, ImageName, MountPoint, ServiceName, litellm};
use url::Url;

pub(crate) use self::places::{Database, PlaceArgs, PostgresCommand};
pub(crate) use self::serving::{GrantCommand, Serve};
use crate::commands::export::Exported;

/// Sign in to Claude once, on your own machine; every container stays signed in.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Start with `tokenferry login`, then `tokenferry destination add web --volume claude-auth`, \
                        then `tokenferry run`.")]
pub(crate) struct Args {
    /// Report as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, made from the command line")]
pub(crate) enum Command {
    /// Sign in, in the browser
    Login {
        #[command(flatten)]
        account: NewAccount,
        /// Get a token of a year, for inference alone, that is never renewed: for CI, and for machines that sleep
        #[arg(long)]
        one_year: bool,
        /// Only print the address; the code is pasted here, or later to `tokenferry callback`
        #[arg(long)]
        paste: bool,
        /// Have the official Claude CLI sign in, here in the terminal, and take its sign-in over
        #[arg(long, conflicts_with_all = ["one_year", "paste"])]
        via_claude_cli: bool,
        /// Replace a sign-in of somebody else's under the same name without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Finish a sign-in that waits for its code
    Callback {
        /// What the page shows, CODE#STATE; asked for, or read from standard input, where it is left out
        #[arg(value_name = "CODE#STATE")]
        code: Option<String>,
        /// Replace a sign-in of somebody else's under the same name without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Take the sign-in of the official CLI over
    Import {
        #[command(flatten)]
        account: NewAccount,
        /// The CLI's file, where it is not in its usual place
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Take it out of the CLI's file
        #[arg(long = "move")]
        take_out: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Show every account and destination: state, both ends, next step
    Status,
    /// Renew now, due or not
    Refresh {
        #[command(flatten)]
        account: KnownAccount,
    },
    /// Sign out, and take every copy away
    Logout {
        #[command(flatten)]
        account: KnownAccount,
    },
    /// Print an access token that lives
    Token {
        #[command(flatten)]
        account: KnownAccount,
        /// Ask the server at this address, such as http://127.0.0.1:4001 or unix:/run/tokenferry.sock, with a grant
        #[arg(long, value_name = "URL", conflicts_with = "name")]
        from: Option<Url>,
        /// The file that holds the grant's key; else TOKENFERRY_GRANT_FILE names it
        #[arg(long, value_name = "FILE", requires = "from")]
        grant_file: Option<PathBuf>,
    },
    /// Deliver now, to the named destinations or to all
    Sync {
        /// Names of destinations
        names: Vec<String>,
        /// Replace a sign-in that somebody made in the volume
        #[arg(long, requires = "names")]
        replace: bool,
        /// Then ask Claude with exactly what lies there, and say for whom it is taken
        #[arg(long)]
        prove: bool,
        /// Also make one short real request, which counts against your plan, in a container that has the CLI
        #[arg(long, requires = "prove")]
        request: bool,
    },
    /// The accounts: sign-ins, one-year tokens, API keys
    #[command(subcommand)]
    Account(AccountCommand),
    /// The places that are kept fresh
    #[command(subcommand)]
    Destination(Destination),
    /// The Docker engines that there are
    #[command(subcommand)]
    Engine(EngineCommand),
    /// Print what to paste so that a container uses a destination
    Snippet {
        /// What it is for
        kind: SnippetKind,
        /// The destination's name; without it the only one, or a new volume that is found by its label
        destination: Option<String>,
        /// The container's image
        #[arg(long, value_name = "NAME")]
        image: Option<ImageName>,
        /// Let the container only read; needs a Claude Code that knows CLAUDE_SECURESTORAGE_CONFIG_DIR
        #[arg(long)]
        read_only: bool,
        /// The compose service
        #[arg(long, value_name = "NAME", default_value_t)]
        service: ServiceName,
        /// Where the volume is mounted in the container
        #[arg(long, value_name = "PATH", default_value_t)]
        mount: MountPoint,
        /// For whom a new volume is labelled; may be left out where there is one account
        #[arg(long, value_name = "NAME", conflicts_with = "destination")]
        account: Option<AccountName>,
        #[command(flatten)]
        litellm: Litellm,
    },
    /// Print a token in a taker's format, or hand a whole sign-in over for good
    Export(Export),
    /// LiteLLM's table of tokens in a PostgreSQL database
    #[command(subcommand)]
    Postgres(PostgresCommand),
    /// Show what happened
    Activity {
        /// How many events at the most
        #[arg(long, short = 'n', default_value_t = 50)]
        most: u32,
    },
    /// Look for whatever keeps containers from staying signed in, and say how to mend it
    Doctor {
        /// Mend what can be mended safely, and look again
        #[arg(long)]
        fix: bool,
    },
    /// Keep everything fresh, until stopped
    Run,
    /// Keep everything fresh, until stopped, and answer over HTTP
    Serve(Serve),
    /// Which programs may ask for a token over HTTP
    #[command(subcommand)]
    Grant(GrantCommand),
    /// The icon in the panel: keeps everything fresh and says when it needs you
    Tray,
    /// See the whole job at work with a practice provider, leaving nothing behind
    Demo,
    /// Print what a shell needs to complete commands
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual's pages, one for each command
    #[command(hide = true)]
    Man {
        /// The folder that they are written into, made where it is missing
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Keep an API key: typed at the terminal, unseen, or given on standard input
    AddApiKey {
        #[command(flatten)]
        account: NewAccount,
        /// First ask Claude whether it is good; costs nothing
        #[arg(long)]
        check: bool,
        /// Replace what is kept under the same name without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Show every account: its name, what is kept for it, and until when that is good
    List,
    /// Forget an account and take every copy away, as `logout` does
    Remove {
        /// Its name
        name: AccountName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Show every engine of docker's contexts, and of programs that bring one: what it is, and whether it answers
    List,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, made from the command line")]
pub(crate) enum Destination {
    /// Approve of a place: from now on it is kept fresh
    Add {
        /// Your name for it
        name: DestinationName,
        #[command(flatten)]
        place: PlaceArgs,
        /// The Docker context or address; without it, the engine that `docker` would use
        #[arg(long, value_name = "CONTEXT", requires = "volume")]
        engine: Option<String>,
        /// Whose token it gets
        #[arg(long, value_name = "NAME")]
        account: Option<AccountName>,
        /// Which files its taker reads; without it claude-code, and in a database litellm-row
        #[arg(long)]
        format: Option<Format>,
        /// Whom the files belong to
        #[arg(long, default_value_t, value_name = "auto|UID:GID")]
        owner: OwnerChoice,
        /// Also see to it that an interactive `claude` asks nothing; it needs CLAUDE_CONFIG_DIR set to the mounted folder
        #[arg(long)]
        ready_to_use: bool,
        /// Agree beforehand that others than Anthropic's own programs get the token
        #[arg(long)]
        yes: bool,
    },
    /// Keep it fresh no more, and take its copy away
    Remove {
        /// Its name
        name: String,
    },
    /// Show every destination
    List,
    /// Look for places that wait for a sign-in, and approve of those you want
    Discover {
        /// Only this Docker context or address; else those of all destinations, and the one that `docker` would use
        #[arg(long, value_name = "CONTEXT")]
        engine: Option<String>,
        /// Approve of these, by their suggested names, without asking
        #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "approve_all")]
        approve: Vec<String>,
        /// Approve of all without asking
        #[arg(long)]
        approve_all: bool,
        /// Whose token they get where no label says
        #[arg(long, value_name = "NAME")]
        account: Option<AccountName>,
    },
}

/// What is exported.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A format, or sh, powershell, github-actions, kubernetes
    #[arg(value_name = "FORMAT")]
    pub(crate) what: Exported,
    /// Whose; may be left out where there is one account
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<AccountName>,
    /// Hand the sign-in over with its refresh token, and forget it here
    #[arg(long, requires = "to")]
    pub(crate) with_refresh_token: bool,
    /// The file that it is handed over in; there must be none yet
    #[arg(long, value_name = "FILE", requires = "with_refresh_token")]
    pub(crate) to: Option<PathBuf>,
    /// The Secret that the manifests for Kubernetes are about
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) secret: Option<SecretPlace>,
    /// What lies in that Secret; without it claude-code
    #[arg(long, requires = "secret")]
    pub(crate) format: Option<Format>,
    /// The image of the pod in these manifests
    #[arg(long, value_name = "NAME", default_value = "IMAGE")]
    pub(crate) image: String,
    /// An image with Tokenferry in it, in these manifests
    #[arg(long, value_name = "NAME", default_value = "tokenferry")]
    pub(crate) tokenferry_image: String,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// What is said of a LiteLLM proxy.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For litellm")]
pub(crate) struct Litellm {
    /// LiteLLM's version, as `litellm --version` prints it
    #[arg(long, value_name = "VERSION", default_value = "1.109.1")]
    pub(crate) litellm_version: litellm::Version,
    /// The models that it offers; NAME=URL where one's requests go elsewhere
    #[arg(long = "model", value_name = "NAME", default_value = "claude-opus-5-5")]
    pub(crate) models: Vec<litellm::Model>,
    /// Its port on this machine
    #[arg(long, default_value_t = 4000)]
    pub(crate) port: u16,
    /// Let each client bring its own token
    #[arg(long)]
    pub(crate) own_tokens: bool,
    /// Save the files in this folder, in place of printing them
    #[arg(long, value_name = "FOLDER")]
    pub(crate) save: Option<PathBuf>,
    #[arg(skip)]
    pub(crate) image: Option<ImageName>,
    #[arg(skip)]
    pub(crate) mount: Option<MountPoint>,
}

impl From<Litellm> for engine::Proxy {
    fn from(said: Litellm) -> Self {
        Self {
            version: said.litellm_version,
            models: said.models,
            own_tokens: said.own_tokens,
            port: said.port,
            image: said.image,
            mount: said.mount.unwrap_or_default(),
        }
    }
}

/// What a snippet is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SnippetKind {
    /// A file of docker compose
    Compose,
    /// A devcontainer.json
    Devcontainer,
    /// A line for a shell
    DockerRun,
    /// The files of a LiteLLM proxy
    Litellm,
}

impl SnippetKind {
    /// What a container is started with; none for a proxy, which is more than that.
    pub(crate) fn of_a_container(self) -> Option<snippets::Kind> {
        match self {
            Self::Compose => Some(snippets::Kind::Compose),
            Self::Devcontainer => Some(snippets::Kind::DevContainer),
            Self::DockerRun => Some(snippets::Kind::DockerRun),
            Self::Litellm => None,
        }
    }
}

/// An account that may not be there yet.
#[derive(Debug, clap::Args)]
pub(crate) struct NewAccount {
    /// Your name for the account
    #[arg(long = "account", value_name = "NAME", default_value_t)]
    pub(crate) name: AccountName,
}

/// An account that is there.
#[derive(Debug, clap::Args)]
pub(crate) struct KnownAccount {
    /// Which account; may be left out where there is one
    #[arg(long = "account", value_name = "NAME")]
    pub(crate) name: Option<AccountName>,
}
