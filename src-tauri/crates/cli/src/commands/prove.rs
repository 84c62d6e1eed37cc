//! The proof of `sync --prove`: for whom the provider takes what lies there, and, where a container has the CLI and its
//! owner agrees, whether a real request is answered.

use std::io::{self, IsTerminal};

use engine::destinations::docker::Reply;
use engine::settings::{Destination, DestinationName};
use engine::{CliUser, Engine, Error, Proven};
use serde_json::{Value, json};

use crate::outcome::Failure;
use crate::talk::{self, Progress, say};

/// What was found out.
pub(super) struct Proofs {
    proven: Vec<Proven>,
    requests: Vec<(DestinationName, Request)>,
}

/// What became of the real request at one destination.
enum Request {
    Made(CliUser, Result<Reply, Error>),
    /// It was asked for, and no running container has the CLI and reads the file.
    NoCli,
    /// It was asked for, and the official CLI does not read this format: these do.
    OtherReaders(&'static str),
    /// It could be made, and nobody was there to agree.
    Offered(CliUser),
    Declined,
}

impl Proofs {
    /// How many are good, of how many.
    pub(super) fn tally(&self) -> (usize, usize) {
        let asked: Vec<bool> = self.requests.iter().filter_map(|(_, request)| request.is_good()).collect();
        let proven = self.proven.iter().filter(|it| it.proof.is_good()).count();
        (proven + asked.iter().filter(|good| **good).count(), self.proven.len() + asked.len())
    }

    /// For programs.
    pub(super) fn told(&self) -> (Vec<Value>, Vec<Value>) {
        let requests = self.requests.iter().map(|(destination, request)| request.told(destination));
        (self.proven.iter().map(told).collect(), requests.collect())
    }
}

/// Proves what lies at the named destinations, or at all. `request` makes the real requests without asking.
pub(super) async fn prove(engine: &Engine, names: &[String], request: bool, json: bool) -> Result<Proofs, Failure> {
    let progress = Progress::of("Claude is asked…");
    let proven = engine.prove(names).await?;
    drop(progress);
    let mut requests = Vec::new();
    if !json {
        for it in &proven {
            say(format_args!("{}: {}", it.destination.name, sentences(&it.proof.to_string(), &it.proof.fix())));
        }
    }
    let worth: Vec<_> = proven.iter().filter(|it| it.proof.is_worth_a_request()).map(|it| &it.destination).collect();
    if !worth.is_empty() {
        let names: Vec<String> = worth.iter().map(|destination| destination.name.to_string()).collect();
        let mut users = engine.cli_users(&names).await?;
        for Destination { name, format, .. } in worth {
            let asked = if format.is_the_clis() {
                let user = users.iter().position(|user| user.destination == *name).map(|at| users.swap_remove(at));
                ask(engine, user, request, json).await?
            } else {
                request.then(|| Request::OtherReaders(format.readers()))
            };
            let Some(asked) = asked else { continue };
            if !json {
                asked.say(name);
            }
            requests.push((name.clone(), asked));
        }
    }
    Ok(Proofs { proven, requests })
}

/// Makes the request, if that is wanted.
async fn ask(engine: &Engine, user: Option<CliUser>, wanted: bool, json: bool) -> Result<Option<Request>, Failure> {
    let Some(user) = user else { return Ok(wanted.then_some(Request::NoCli)) };
    if !wanted {
        if json || !io::stdin().is_terminal() {
            return Ok(Some(Request::Offered(user)));
        }
        let question = format!(
            "Run one short real request with the CLI in container {}? It counts against your plan.",
            user.container
        );
        if !talk::ask(question, "Agree to it beforehand with --request.").await? {
            return Ok(Some(Request::Declined));
        }
    }
    let _progress = Progress::of(format_args!("Container {} makes a request…", user.container));
    let reply = engine.request(&user).await;
    Ok(Some(Request::Made(user, reply)))
}

impl Request {
    /// Whether a request that was to be made was answered; none where it was not to be.
    fn is_good(&self) -> Option<bool> {
        match self {
            Self::Made(_, reply) => Some(matches!(reply, Ok(Reply::Answered))),
            Self::NoCli => Some(false),
            Self::OtherReaders(_) | Self::Offered(_) | Self::Declined => None,
        }
    }

    fn say(&self, destination: &DestinationName) {
        match self {
            Self::Made(CliUser { container, .. }, reply) => match reply {
                Ok(Reply::Answered) => {
                    say(format_args!("{destination}: a real request in container {container} was answered."))
                }
                Ok(Reply::Refused(said)) => say(format_args!(
                    "{destination}: a real request in container {container} was not answered. The CLI says: {said}"
                )),
                Ok(Reply::Late) => say(format_args!(
                    "{destination}: a real request in container {container} was not answered within a minute."
                )),
                Err(why) => say(format_args!("{destination}: {}", sentences(&why.to_string(), &why.fix()))),
            },
            Self::NoCli => say(format_args!(
                "{destination}: no running container reads it with the CLI, so no real request was made."
            )),
            Self::OtherReaders(readers) => say(format_args!(
                "{destination}: no real request was made, as the CLI does not read it: it is for {readers}."
            )),
            Self::Offered(CliUser { container, .. }) => say(format_args!(
                "{destination}: with --request, the CLI in container {container} makes a short real request, which counts \
                 against your plan."
            )),
            Self::Declined => {}
        }
    }

    fn told(&self, destination: &DestinationName) -> Value {
        match self {
            Self::Made(CliUser { container, .. }, reply) => {
                let (outcome, message) = match reply {
                    Ok(Reply::Answered) => ("answered", None),
                    Ok(Reply::Refused(said)) => ("refused", Some(said.clone())),
                    Ok(Reply::Late) => ("late", None),
                    Err(why) => (why.code(), Some(why.to_string())),
                };
                json!({"destination": destination, "container": container, "outcome": outcome, "message": message})
            }
            Self::NoCli => json!({"destination": destination, "outcome": "no_cli"}),
            Self::OtherReaders(_) => json!({"destination": destination, "outcome": "other_readers"}),
            Self::Offered(CliUser { container, .. }) => {
                json!({"destination": destination, "container": container, "outcome": "offered"})
            }
            Self::Declined => json!({"destination": destination, "outcome": "declined"}),
        }
    }
}

fn told(it: &Proven) -> Value {
    let Proven { destination, proof } = it;
    let mut told = json!({"destination": destination.name, "account": destination.account, "outcome": proof.word()});
    if let Some(fields) = told.as_object_mut() {
        if let Some(identity) = proof.identity() {
            fields.insert("identity".to_owned(), json!(identity));
        }
        if let Some(code) = proof.code() {
            fields.insert("code".to_owned(), json!(code));
            fields.insert("message".to_owned(), json!(proof.to_string()));
            fields.insert("fix".to_owned(), json!(proof.fix()));
        }
    }
    told
}

fn sentences(what: &str, fix: &str) -> String {
    format!("{what} {fix}").trim_end().to_owned()
}
