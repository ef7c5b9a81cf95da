//! A request for a stream that has no messages upward: its query is the hello (spec P20, P21).

use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, Method, Uri};
use swain_core::decode::Node;
use swain_core::protocol::{Hello, Transport};
use swain_core::{Code, Millis, Problem, Value, strict_json};
use swain_store::Store;

use crate::app::App;
use crate::auth::find_access;
use crate::clock::now;
use crate::gzip;
use crate::limits::POLL_WAIT_S_MAX;
use crate::refusal::Refusal;

/// The largest number that every JSON reader keeps.
const WHOLE_MAX: u64 = (1 << 53) - 1;

pub(super) struct StreamAsk {
    pub(super) hello: Hello,
    /// How long an answer without news may wait for some.
    pub(super) wait: Duration,
}

/// The query of a request, each name once.
struct Parameters(Vec<(String, String)>);

impl StreamAsk {
    /// Reads a request whose cursor is called so.
    pub(super) async fn read<S: Store>(
        app: &App<S>,
        transport: Transport,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        cursor: &'static str,
    ) -> Result<Self, Refusal> {
        app.admit(transport)?;
        if method != Method::GET {
            let detail = format!("{} does not take {method}, but GET", uri.path());
            return Err(Refusal::new(Code::MethodNotAllowed, detail).allow("GET"));
        }
        app.origins.check(headers)?;
        if app.lifecycle.is_draining() {
            let retry = app.lifecycle.draw_return();
            return Err(Refusal::new(Code::Draining, "the server is going down").retry_after(retry));
        }
        let query = Parameters::read(uri)?;
        let packing = query.get("compress") != Some("0") && gzip::is_accepted(headers);
        let mut members = vec![("gzip", Value::Bool(packing && app.compression))];
        members.extend(find_access(headers)?.map(|token| ("token", Value::text(token))));
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let at = last.filter(|_| transport == Transport::Sse).or(query.get(cursor));
        members.extend(at.map(|at| ("cursor", Value::text(at))));
        for name in ["device", "load"] {
            members.extend(query.get(name).map(|text| (name, Value::text(text))));
        }
        for name in ["protocol", "acked", "schema"] {
            members.extend(query.get(name).map(|text| (name, number(text))));
        }
        members.push(("shapes", query.shapes(app).await?));
        let members = members.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let hello = Hello::read(&Node::root("query", &Value::Object(members)))?;
        app.auth.admit_request(&hello.device, now())?;
        Ok(Self { hello, wait: query.wait()? })
    }
}

impl Parameters {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::new(Code::MalformedMessage, "a query is name=value pairs").at("query"));
        };
        for (place, (name, _)) in pairs.iter().enumerate() {
            if pairs[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::new(Code::DuplicateName, "a name comes once").at(format!("query.{name}")));
            }
        }
        Ok(Self(pairs))
    }

    fn get(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// The list that was stored under the hash.
    async fn shapes<S: Store>(&self, app: &App<S>) -> Result<Value, Refusal> {
        let missing =
            || Problem::new(Code::MissingMember, "'shapes' is missing: the hash of a list of shapes").at("query");
        let hash = self.get("shapes").ok_or_else(missing)?;
        let found = app.engine.store().kept_shapes(hash.to_owned(), now()).await?;
        let unknown = || Problem::new(Code::UnknownShapes, "send the list of shapes again").at("query.shapes");
        Ok(strict_json::parse(&found.ok_or_else(unknown)?)?)
    }

    fn wait(&self) -> Result<Duration, Problem> {
        let wrong = |_| Problem::new(Code::WrongType, "a number of seconds was expected").at("query.wait");
        let seconds: u64 = self.get("wait").map_or(Ok(0), str::parse).map_err(wrong)?;
        Ok(Duration::from_secs(seconds.min(POLL_WAIT_S_MAX)))
    }
}

/// What is no number stays a text, which the reader then refuses with its place.
fn number(text: &str) -> Value {
    let number = text.parse::<u64>().ok().filter(|number| *number <= WHOLE_MAX);
    number.map_or_else(|| Value::text(text), |number| Value::Int(number.cast_signed()))
}

/// The longer of two silences.
pub(super) fn silence(heartbeat: Millis, wait: Duration) -> Millis {
    heartbeat.max(Millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
}
