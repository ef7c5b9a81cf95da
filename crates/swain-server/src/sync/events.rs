//! `GET /api/sync/events`: the stream as server-sent events (spec P20).

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse as _, Response};
use futures::stream::poll_fn;
use swain_core::Code;
use swain_core::protocol::{Close, Transport, cursor_of_frame, kind_of_frame};
use swain_store::Store;
use tokio::sync::{mpsc, oneshot};

use super::ask::StreamAsk;
use super::beginning::refusal_of;
use super::connection::Connection;
use super::wire::{Lost, Packing, Said, Wire};
use crate::app::App;
use crate::gzip::GzipStream;
use crate::limits::EVENTS_BATCH_BYTES;
use crate::refusal::Refusal;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) async fn events<S: Store>(State(app): State<Arc<App<S>>>, request: Request) -> Result<Response, Refusal> {
    let parts = (request.method(), request.uri(), request.headers());
    let StreamAsk { hello, .. } = StreamAsk::read(&app, Transport::Sse, parts, "cursor").await?;
    let (wire, begun) = Events::new();
    let connections = app.lifecycle.connections.clone();
    connections.spawn(async move {
        Connection::new(app, wire).greeted(hello).run().await;
    });
    let begun = begun.await.map_err(|_| Refusal::new(Code::Internal, "the stream ended before it began"))??;
    Ok(begun.into_response())
}

/// Frames as events, in batches, into the body of an answer.
struct Events {
    state: Beginning,
    batch: String,
    gzip: Option<GzipStream>,
}

enum Beginning {
    /// Nothing is answered yet; what was refused, if anything.
    Waiting(Option<oneshot::Sender<Result<Begun, Refusal>>>, Option<String>),
    /// One batch may wait in the body; the next waits here until the connection has taken it.
    Begun(mpsc::Sender<Bytes>),
}

/// An answer that has begun.
struct Begun {
    batches: mpsc::Receiver<Bytes>,
    packing: Packing,
}

impl Events {
    fn new() -> (Self, oneshot::Receiver<Result<Begun, Refusal>>) {
        let (begin, begun) = oneshot::channel();
        (Self { state: Beginning::Waiting(Some(begin), None), batch: String::new(), gzip: None }, begun)
    }

    fn begin(&mut self, packing: Packing) -> Result<(), Lost> {
        let Beginning::Waiting(begin, _) = &mut self.state else { return Ok(()) };
        let (sender, batches) = mpsc::channel(1);
        let begin = begin.take().ok_or(Lost::Gone)?;
        begin.send(Ok(Begun { batches, packing })).map_err(|_| Lost::Gone)?;
        self.gzip = (packing == Packing::Gzip).then(GzipStream::new);
        self.state = Beginning::Begun(sender);
        Ok(())
    }

    fn write(&mut self, frame: &str) {
        if let Some(cursor) = cursor_of_frame(frame) {
            self.batch.extend(["id: ", cursor, "\n"]);
        }
        self.batch.extend(["data: ", frame, "\n\n"]);
    }

    async fn push(&mut self) -> Result<(), Lost> {
        // The room is not kept: there are thousands of streams.
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let bytes = match &mut self.gzip {
            Some(gzip) => gzip.batch(batch.as_bytes()),
            None => batch.into_bytes(),
        };
        self.hand_over(bytes.into()).await
    }

    async fn hand_over(&mut self, bytes: Bytes) -> Result<(), Lost> {
        match &self.state {
            Beginning::Begun(body) => body.send(bytes).await.map_err(|_| Lost::Gone),
            Beginning::Waiting(..) => Ok(()),
        }
    }
}

impl Wire for Events {
    const TRANSPORT: Transport = Transport::Sse;

    /// A device says nothing here; that it is gone can be heard.
    async fn hear(&mut self) -> Result<Said, Lost> {
        match &mut self.state {
            Beginning::Waiting(Some(begin), _) => begin.closed().await,
            Beginning::Waiting(None, _) => {}
            Beginning::Begun(body) => body.closed().await,
        }
        Err(Lost::Gone)
    }

    async fn send(&mut self, frame: String, packing: Packing) -> Result<(), Lost> {
        match &mut self.state {
            Beginning::Waiting(..) if kind_of_frame(&frame) == "welcome" => self.begin(packing)?,
            Beginning::Waiting(_, refused) => {
                *refused = Some(frame);
                return Ok(());
            }
            Beginning::Begun(_) => {}
        }
        self.write(&frame);
        if self.batch.len() < EVENTS_BATCH_BYTES {
            return Ok(());
        }
        self.push().await
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.push().await
    }

    async fn close(&mut self, close: Close) -> Result<(), Lost> {
        if let Beginning::Waiting(begin, refused) = &mut self.state {
            let refusal = refusal_of(refused.as_deref());
            let begin = begin.take().ok_or(Lost::Gone)?;
            return begin.send(Err(refusal)).map_err(|_| Lost::Gone);
        }
        self.batch.extend(["event: close\ndata: ", &close.code().to_string(), "\n\n"]);
        self.push().await?;
        if let Some(gzip) = &mut self.gzip {
            let end = gzip.end();
            self.hand_over(end.into()).await?;
        }
        Ok(())
    }
}

impl Begun {
    fn into_response(self) -> Response {
        let Self { mut batches, packing } = self;
        let headers = [
            (CONTENT_TYPE, "text/event-stream"),
            (CACHE_CONTROL, "no-store, no-transform"),
            (ACCEL_BUFFERING, "no"),
            (VARY, "accept-encoding"),
        ];
        let encoding = (packing == Packing::Gzip).then_some([(CONTENT_ENCODING, "gzip")]);
        let body = poll_fn(move |context| batches.poll_recv(context).map(|batch| batch.map(Ok::<_, Infallible>)));
        match encoding {
            Some(encoding) => (headers, encoding, Body::from_stream(body)).into_response(),
            None => (headers, Body::from_stream(body)).into_response(),
        }
    }
}
