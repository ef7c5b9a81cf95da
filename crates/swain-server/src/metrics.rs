//! Figures of a running server, in the format of OpenMetrics, which Prometheus reads.
//!
//! Base units and names as <https://prometheus.io/docs/practices/naming/> has them. No label names a person, a table or a
//! row: their number has no bound, and whoever may read figures need not know them.

mod meter;
mod route;

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use swain_core::protocol::{Results, Transport};
use swain_core::{Millis, Pos};
use swain_store::Trimmed;

pub(crate) use meter::Meter;
pub(crate) use route::{count_requests, metrics};

/// Upper ends of the buckets of durations, in seconds: from what a push takes at best to what a person gives up on.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// One label with a fixed set of values.
type Label = [(&'static str, &'static str); 1];

/// Every figure. Cheap to count in: no figure takes a lock that another one has.
pub(crate) struct Metrics {
    registry: Registry,
    sessions: Family<Label, Gauge>,
    sessions_opened: Family<Label, Counter>,
    frames_sent: Family<Label, Counter>,
    bytes_sent: Family<Label, Counter>,
    messages_received: Family<Label, Counter>,
    bytes_received: Family<Label, Counter>,
    mutations: Family<Label, Counter>,
    push_duration: Histogram,
    delivery_delay: Histogram,
    requests: Family<Vec<(&'static str, String)>, Counter>,
    trimmed_changes: Counter,
    log_head: Gauge,
    log_floor: Gauge,
    log_read_age: Gauge,
}

/// What is looked up when somebody asks.
pub(crate) struct LogFigures {
    pub(crate) head: Pos,
    pub(crate) floor: Pos,
    /// Since the log was last read without an error.
    pub(crate) read_age: Millis,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("swain"),
            sessions: Family::default(),
            sessions_opened: Family::default(),
            frames_sent: Family::default(),
            bytes_sent: Family::default(),
            messages_received: Family::default(),
            bytes_received: Family::default(),
            mutations: Family::default(),
            push_duration: Histogram::new(SECONDS),
            delivery_delay: Histogram::new(SECONDS),
            requests: Family::default(),
            trimmed_changes: Counter::default(),
            log_head: Gauge::default(),
            log_floor: Gauge::default(),
            log_read_age: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("sessions", "Devices that are connected", self.sessions.clone());
        registry.register(
            "sessions_opened",
            "Sessions that began; with the same devices, reconnects",
            self.sessions_opened.clone(),
        );
        registry.register("frames_sent", "Frames handed to transports", self.frames_sent.clone());
        let bytes = |name| (name, Unit::Bytes);
        let (name, unit) = bytes("frames_sent");
        registry.register_with_unit(name, "Text of these frames, before compression", unit, self.bytes_sent.clone());
        registry.register("messages_received", "Messages of devices", self.messages_received.clone());
        let (name, unit) = bytes("messages_received");
        registry.register_with_unit(name, "Text of these messages", unit, self.bytes_received.clone());
        registry.register(
            "mutations",
            "Mutations decided, by outcome; not attempted: they come again",
            self.mutations.clone(),
        );
        let help = "From a push to its answer, the commit included";
        registry.register_with_unit("push_duration", help, Unit::Seconds, self.push_duration.clone());
        let help = "From the time of a position to its being with the transport of a session, by the millisecond";
        registry.register_with_unit("delivery_delay", help, Unit::Seconds, self.delivery_delay.clone());
        registry.register("http_requests", "Answers over HTTP, by route and status", self.requests.clone());
        registry.register("log_trimmed_changes", "Changes that the clean-up removed", self.trimmed_changes.clone());
        registry.register("log_head", "The newest position", self.log_head.clone());
        registry.register("log_floor", "The position up to which the log is no longer kept", self.log_floor.clone());
        let help = "Since the log was last read without an error";
        registry.register_with_unit("log_read_age", help, Unit::Seconds, self.log_read_age.clone());
        self
    }

    /// The text of all figures.
    pub(crate) fn render(&self, log: &LogFigures) -> String {
        self.log_head.set(log.head.0.cast_signed());
        self.log_floor.set(log.floor.0.cast_signed());
        self.log_read_age.set((log.read_age.0 / 1000).cast_signed());
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }

    /// An answer to a push, and how long it took.
    pub(crate) fn note_push(&self, results: &Results, took: Duration) {
        self.push_duration.observe(took.as_secs_f64());
        for result in &results.results {
            self.mutations.get_or_create(&[("outcome", result.outcome.as_str())]).inc();
        }
        if results.problem.is_some() {
            self.mutations.get_or_create(&[("outcome", "not_attempted")]).inc();
        }
    }

    pub(crate) fn note_trimmed(&self, trimmed: &Trimmed) {
        self.trimmed_changes.inc_by(trimmed.changes);
    }
}

fn transport_label(transport: Transport) -> Label {
    [("transport", transport.as_str())]
}
