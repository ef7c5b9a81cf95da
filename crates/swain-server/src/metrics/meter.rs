//! What one session adds to the figures.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use swain_core::Millis;
use swain_core::protocol::Transport;
use swain_engine::Taken;

use super::{Metrics, transport_label};

/// The counters of the session's transport, looked up once. Dropped, the session has ended.
pub(crate) struct Meter {
    metrics: Arc<Metrics>,
    sessions: Gauge,
    frames_sent: Counter,
    bytes_sent: Counter,
    messages_received: Counter,
    bytes_received: Counter,
    /// When the positions were given that are on their way to the transport.
    under_way: Vec<Millis>,
}

impl Meter {
    pub(crate) fn new(metrics: &Arc<Metrics>, transport: Transport) -> Self {
        let label = transport_label(transport);
        metrics.sessions_opened.get_or_create(&label).inc();
        let meter = Self {
            metrics: Arc::clone(metrics),
            sessions: metrics.sessions.get_or_create(&label).clone(),
            frames_sent: metrics.frames_sent.get_or_create(&label).clone(),
            bytes_sent: metrics.bytes_sent.get_or_create(&label).clone(),
            messages_received: metrics.messages_received.get_or_create(&label).clone(),
            bytes_received: metrics.bytes_received.get_or_create(&label).clone(),
            under_way: Vec::new(),
        };
        meter.sessions.inc();
        meter
    }

    pub(crate) fn note_taken(&mut self, taken: &Taken) {
        if let Taken::Live { deliveries, .. } = taken {
            self.under_way.extend(deliveries.iter().map(|delivery| delivery.at));
        }
    }

    pub(crate) fn note_sent(&self, frame: &str) {
        self.frames_sent.inc();
        self.bytes_sent.inc_by(frame.len() as u64);
    }

    pub(crate) fn note_received(&self, bytes: usize) {
        self.messages_received.inc();
        self.bytes_received.inc_by(bytes as u64);
    }

    /// Everything that was under way is with the transport.
    pub(crate) fn note_flushed(&mut self, now: Millis) {
        for at in self.under_way.drain(..) {
            #[expect(clippy::cast_precision_loss, reason = "a measure")]
            let seconds = now.since(at).0 as f64 / 1e3;
            self.metrics.delivery_delay.observe(seconds);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.sessions.dec();
    }
}
