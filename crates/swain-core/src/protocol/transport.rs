//! The ways to a stream (spec P24).

/// A way to a stream. All of them carry the same frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// WebSocket, both ways (spec P1 to P15).
    WebSocket,
    /// Server-sent events; mutations go up in batches (spec P20, P22).
    Sse,
    /// Requests that are answered when there is something new (spec P21, P22).
    Poll,
}

impl Transport {
    /// All of them, the usual order of preference.
    pub const ALL: &[Self] = &[Self::WebSocket, Self::Sse, Self::Poll];

    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Poll => "poll",
        }
    }

    /// The transport of this name.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|transport| transport.as_str() == text)
    }
}
