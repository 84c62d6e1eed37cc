//! What is counted and measured for Prometheus. Labels are names that the user gave, states, and kinds; never a secret.

use std::fmt::Write as _;
use std::time::Duration;

use engine::journal::{Event, Kind};
use engine::status::Status;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// From a token out of memory to a sign-in at a slow provider, in seconds.
const DURATIONS: [f64; 9] = [0.000_1, 0.001, 0.01, 0.05, 0.25, 1.0, 5.0, 20.0, 60.0];
/// What goes over a network or through a container, in seconds.
const LONG_DURATIONS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Happened {
    kind: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    endpoint: Word,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    endpoint: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAccount {
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    account: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceInState {
    destination: String,
    account: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPlace {
    destination: String,
    account: String,
}

/// A word of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

/// All that goes on counting.
#[derive(Debug)]
pub(crate) struct Meters {
    events: Family<Happened, Counter>,
    answers: Family<Answered, Counter>,
    durations: Family<At, Histogram, fn() -> Histogram>,
    /// The two of tokens that were given, which come in masses: looked up once.
    given: (Counter, Histogram),
    renewals: Histogram,
    deliveries: Histogram,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Connections that were cut to make room.
    pub(crate) cut: Counter,
}

/// The endpoint of tokens, as the metrics name it.
pub(crate) const TOKEN: &str = "token";
const OK: u16 = 200;

impl Meters {
    pub(crate) fn new() -> Self {
        let answers = Family::<Answered, Counter>::default();
        let durations = Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram);
        let given = (
            answers.get_or_create(&Answered { endpoint: Word(TOKEN), status: OK }).clone(),
            durations.get_or_create(&At { endpoint: Word(TOKEN) }).clone(),
        );
        Self {
            events: Family::default(),
            answers,
            durations,
            given,
            renewals: Histogram::new(LONG_DURATIONS),
            deliveries: Histogram::new(LONG_DURATIONS),
            connections: Gauge::default(),
            cut: Counter::default(),
        }
    }

    /// Something happened that the journal tells of.
    pub(crate) fn happened(&self, event: &Event) {
        self.events.get_or_create(&Happened { kind: Word(event.kind.word()) }).inc();
        let Some(took) = event.took_ms.map(Duration::from_millis) else { return };
        match event.kind {
            Kind::Renewed => self.renewals.observe(took.as_secs_f64()),
            Kind::Delivered | Kind::Healed => self.deliveries.observe(took.as_secs_f64()),
            _ => {}
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, endpoint: &'static str, status: u16, took: Duration) {
        if (endpoint, status) == (TOKEN, OK) {
            self.given.0.inc();
            self.given.1.observe(took.as_secs_f64());
            return;
        }
        self.answers.get_or_create(&Answered { endpoint: Word(endpoint), status }).inc();
        self.durations.get_or_create(&At { endpoint: Word(endpoint) }).observe(took.as_secs_f64());
    }

    /// Everything as Prometheus reads it, and how things stand, of what `sees` lets be seen.
    pub(crate) fn told(&self, status: &Status, sees: impl Fn(&str) -> bool) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("tokenferry");
        registry.register(
            "events",
            "What the journal tells of, by kind: renewals, deliveries, failures",
            self.events.clone(),
        );
        registry.register("http_answers", "Requests that were answered", self.answers.clone());
        registry.register_with_unit(
            "http_duration",
            "From a request to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "renewal_duration",
            "From the question to Claude until its answer is stored",
            Unit::Seconds,
            self.renewals.clone(),
        );
        registry.register_with_unit(
            "delivery_duration",
            "From the wish to deliver until the copy is read back",
            Unit::Seconds,
            self.deliveries.clone(),
        );
        registry.register("http_connections", "Connections that are open", self.connections.clone());
        registry.register("http_connections_cut", "Idle connections that were cut to make room", self.cut.clone());
        standing(&mut registry, status, sees);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// How accounts and destinations stand.
fn standing(registry: &mut Registry, status: &Status, sees: impl Fn(&str) -> bool) {
    let states = Family::<InState, Gauge>::default();
    let (tokens, sign_ins, renewals) = (
        Family::<OfAccount, Gauge>::default(),
        Family::<OfAccount, Gauge>::default(),
        Family::<OfAccount, Gauge>::default(),
    );
    for it in status.accounts.iter().filter(|it| sees(&it.name)) {
        let of = OfAccount { account: it.name.clone() };
        states.get_or_create(&InState { account: it.name.clone(), state: word(&it.code) }).set(1);
        renewals.get_or_create(&of).set(it.refresh_count.cast_signed());
        for (ends, gauge) in [(it.access_token_ends, &tokens), (it.sign_in_ends, &sign_ins)] {
            if let Some(ends) = ends {
                gauge.get_or_create(&of).set(ends.as_second());
            }
        }
    }
    let (places, delivered) = (Family::<PlaceInState, Gauge>::default(), Family::<OfPlace, Gauge>::default());
    for it in status.destinations.iter().filter(|it| sees(&it.account)) {
        let (destination, account) = (it.name.clone(), it.account.clone());
        if let Some(at) = it.delivered {
            let of = OfPlace { destination: destination.clone(), account: account.clone() };
            delivered.get_or_create(&of).set(at.as_second());
        }
        places.get_or_create(&PlaceInState { destination, account, state: word(&it.code) }).set(1);
    }
    let kept = Gauge::<i64, std::sync::atomic::AtomicI64>::default();
    kept.set(i64::from(status.kept_fresh));
    registry.register("account_state", "The state of each account", states);
    registry.register("account_renewals", "Renewals since the sign-in", renewals);
    registry.register("access_token_ends_timestamp_seconds", "When the access token ends", tokens);
    registry.register("sign_in_ends_timestamp_seconds", "When the sign-in ends", sign_ins);
    registry.register("destination_state", "The state of each destination", places);
    registry.register("delivered_timestamp_seconds", "When a token was last delivered", delivered);
    registry.register("kept_fresh", "Whether some program keeps everything fresh", kept);
}

/// A state's stable word.
fn word(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
