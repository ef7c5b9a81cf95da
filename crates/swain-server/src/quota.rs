//! How much of the server one person may use (spec P16): requests, and mutations whatever carries them.
//!
//! Who is signed in is counted as a user, whoever is not by the address. Headers tell where somebody stands: `RateLimit`
//! as in draft-ietf-httpapi-ratelimit-headers-10, and `X-RateLimit-…` for those who know the older ones.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use swain_core::rule::Auth as Who;
use swain_core::{Code, Millis};
use swain_store::Store;
use tokio::time::sleep;

use crate::app::App;
use crate::auth::find_access;
use crate::clock::now;
use crate::limits::{AUTH_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE, WRITES_PER_MINUTE};
use crate::refusal::Refusal;
use crate::throttle::{Standing, Throttle, ThrottleKey};

/// Where somebody stands: policy and state, and the older limit, remainder and time of the reset (Unix seconds).
pub(crate) const RATE_HEADERS: [&str; 5] =
    ["ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// So many in so long: all of them at once, and then at that pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    most: u64,
    window: Millis,
}

/// What one person may use; none is no limit.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Requests under `/api/auth`.
    pub auth: Option<Rate>,
    /// All other requests under `/api`.
    pub requests: Option<Rate>,
    /// Mutations, each of a batch counted.
    pub writes: Option<Rate>,
}

/// The limits of a running server.
pub(crate) struct Quotas {
    auth: Option<Quota>,
    requests: Option<Quota>,
    writes: Option<Quota>,
}

struct Quota {
    /// What headers call it.
    name: &'static str,
    rate: Rate,
    throttle: Throttle,
}

impl Rates {
    /// No limits.
    pub const NONE: Self = Self { auth: None, requests: None, writes: None };
}

impl Default for Rates {
    fn default() -> Self {
        let per_minute = |most| Some(Rate { most, window: Millis(60_000) });
        Self {
            auth: per_minute(AUTH_REQUESTS_PER_MINUTE),
            requests: per_minute(REQUESTS_PER_MINUTE),
            writes: per_minute(WRITES_PER_MINUTE),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    /// As in `600/min`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no rate; write a number and s, min or h, as in 600/min");
        let (most, unit) = text.split_once('/').ok_or_else(wrong)?;
        let window = match unit.trim() {
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let most = most.trim().parse().ok().filter(|most| (1..=window * 1_000).contains(most)).ok_or_else(wrong)?;
        Ok(Self { most, window: Millis(window) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} s", self.most, self.window.0 / 1000)
    }
}

impl Quotas {
    pub(crate) fn new(rates: Rates) -> Self {
        let quota = |name, rate: Option<Rate>| {
            rate.map(|rate| Quota { name, rate, throttle: Throttle::of_window(rate.most, rate.window) })
        };
        Self {
            auth: quota("auth", rates.auth),
            requests: quota("requests", rates.requests),
            writes: quota("writes", rates.writes),
        }
    }

    /// A WebSocket says whose it is only in its hello; how many there may be has limits of its own, and after a restart
    /// thousands of one office come back at once.
    fn of_path(&self, path: &str) -> Option<&Quota> {
        match path {
            "/api/sync/ws" => None,
            path if path.starts_with("/api/auth/") => self.auth.as_ref(),
            _ => self.requests.as_ref(),
        }
    }

    /// Charges the mutations of a batch, all or none.
    pub(crate) fn charge_writes(&self, key: ThrottleKey, count: usize) -> Result<(), Refusal> {
        let Some(quota) = &self.writes else { return Ok(()) };
        match quota.throttle.charge(key, count as u64, now()) {
            Ok(_) => Ok(()),
            Err(pause) => Err(quota.refusal(pause)),
        }
    }

    /// Charges them and waits until they are due: a stream has one push under way, so its device waits, too.
    pub(crate) async fn await_writes(&self, key: ThrottleKey, count: usize) {
        let Some(quota) = &self.writes else { return };
        while let Err(pause) = quota.throttle.charge(key.clone(), count as u64, now()) {
            sleep(Duration::from_millis(pause.0)).await;
        }
    }
}

impl Quota {
    fn refusal(&self, pause: Millis) -> Refusal {
        let detail = format!("these are more {} than {}", self.name, self.rate);
        Refusal::new(Code::LimitRate, detail).retry_after(pause)
    }

    /// Where somebody stands now.
    fn note(&self, headers: &mut HeaderMap, standing: Standing) {
        let Self { name, rate, .. } = self;
        let seconds = |pause: Millis| pause.0.div_ceil(1000);
        let (window, until_full) = (rate.window.0 / 1000, seconds(standing.full_in));
        let texts = [
            format!("\"{name}\";q={};w={window}", rate.most),
            format!("\"{name}\";r={};t={until_full}", standing.left),
            rate.most.to_string(),
            standing.left.to_string(),
            seconds(now().plus(standing.full_in)).to_string(),
        ];
        for (name, text) in RATE_HEADERS.into_iter().zip(texts) {
            let value = HeaderValue::from_str(&text).expect("names and numbers");
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Charges a request under `/api`, before anything else looks at it.
pub(crate) async fn charge_request<S: Store>(State(app): State<Arc<App<S>>>, request: Request, next: Next) -> Response {
    let Some(quota) = app.quotas.of_path(request.uri().path()) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let address = ThrottleKey::address(app.address_of(&parts));
    let token = find_access(&parts.headers).ok().flatten();
    // A token that is not good speaks for nobody; the route says what is wrong with it.
    let who = token.and_then(|token| app.identify(Some(&token)).ok());
    let key = who.map_or(address.clone(), |who| ThrottleKey::of(&who.auth, address));
    let (mut response, standing) = match quota.throttle.charge(key, 1, now()) {
        Ok(standing) => (next.run(Request::from_parts(parts, body)).await, standing),
        Err(pause) => (quota.refusal(pause).into_response(), Standing { left: 0, full_in: quota.rate.window }),
    };
    quota.note(response.headers_mut(), standing);
    response
}

impl ThrottleKey {
    /// The user, or the address of a visitor.
    pub(crate) fn of(who: &Who, address: Self) -> Self {
        who.user.as_ref().map_or(address, |user| Self::User(user.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        assert_eq!("600/min".parse(), Ok(Rate { most: 600, window: Millis(60_000) }));
        assert_eq!("10 / s".parse(), Ok(Rate { most: 10, window: Millis(1_000) }));
        for wrong in ["", "600", "0/min", "-1/s", "ten/s", "5/day", "99999999999/s"] {
            let error = wrong.parse::<Rate>().unwrap_err();
            assert!(error.contains("as in 600/min"), "{error}");
        }
    }
}
