//! Drives one session over one wire, in one task.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::protocol::{Close, Hello};
use swain_core::{Code, Problem};
use swain_engine::{Ask, Engine, Input, Output, Session, SessionId, Told};
use swain_store::Store;
use tokio::time::{sleep, timeout};

use super::wakeup::Wakeup;
use super::wire::{Lost, Packing, Said, Wire};
use crate::app::App;
use crate::clock::{now, until};
use crate::limits::FAREWELL_MS_MAX;
use crate::metrics::Meter;
use crate::throttle::ThrottleKey;

/// Each turn: give the session what waits for it, send everything it has, wait for the next thing that happens.
///
/// Answers run inside this task, so that one is heard before the hub is asked again. Nothing is polled while a send waits:
/// the wire's pace is the session's pace.
pub(super) struct Connection<S: Store, W> {
    app: Arc<App<S>>,
    wire: W,
    session: Session,
    seat: Seat<S>,
    /// Where it comes from, for the limits of visitors; none on a wire on which nobody pushes.
    address: Option<ThrottleKey>,
    wakeup: Arc<Wakeup>,
    meter: Meter,
    answers: FuturesUnordered<BoxFuture<'static, Told>>,
    is_draining: bool,
}

/// A session's place in the engine, given up with the connection, however it ends.
struct Seat<S: Store> {
    engine: Arc<Engine<S>>,
    id: SessionId,
}

/// How a connection ends.
enum Ending {
    /// Nobody listens any more.
    Silent,
    /// With the last word.
    Close(Close),
}

impl<S: Store, W: Wire> Connection<S, W> {
    pub(super) fn new(app: Arc<App<S>>, wire: W) -> Self {
        let session = Session::new(now()).with_heartbeat(app.heartbeat);
        Self::of_session(app, wire, session)
    }

    pub(super) fn of_session(app: Arc<App<S>>, wire: W, session: Session) -> Self {
        let seat = Seat { engine: Arc::clone(&app.engine), id: app.lifecycle.next_session() };
        let meter = Meter::new(&app.metrics, W::TRANSPORT);
        let (wakeup, answers) = (Arc::default(), FuturesUnordered::new());
        Self { session, app, wire, seat, address: None, wakeup, meter, answers, is_draining: false }
    }

    /// Whoever is not signed in is counted by this address.
    pub(super) fn from(mut self, address: ThrottleKey) -> Self {
        self.address = Some(address);
        self
    }

    /// The device has said hello already, by its request.
    pub(super) fn greeted(mut self, hello: Hello) -> Self {
        self.session.handle(now(), Input::Hello(Box::new(hello)));
        self
    }

    /// Runs to the end; the wire has what is left to be done.
    pub(super) async fn run(mut self) -> W {
        loop {
            self.take();
            if let ControlFlow::Break(ending) = self.send_all().await {
                return self.end(ending).await;
            }
            if let ControlFlow::Break(ending) = self.wait().await {
                return self.end(ending).await;
            }
        }
    }

    fn take(&mut self) {
        let (taken, said, has_news) = self.seat.engine.take_turn(self.seat.id);
        self.meter.note_taken(&taken);
        self.session.handle(now(), Input::Taken(taken));
        if has_news || !said.is_empty() {
            self.session.handle(now(), Input::Presence(said, has_news));
        }
    }

    async fn send_all(&mut self) -> ControlFlow<Ending> {
        let mut is_dirty = false;
        while let Some(output) = self.session.poll(now()) {
            match output {
                Output::Send(frame) => {
                    is_dirty = true;
                    let packing = self.packing();
                    self.meter.note_sent(&frame);
                    or_end(self.wire.send(frame, packing).await)?;
                }
                Output::Ask(ask) => self.ask(ask),
                Output::Close(close) => return ControlFlow::Break(Ending::Close(close)),
            }
        }
        if is_dirty {
            or_end(self.wire.flush().await)?;
            self.meter.note_flushed(now());
        }
        ControlFlow::Continue(())
    }

    fn packing(&self) -> Packing {
        match self.app.compression && self.session.takes_gzip() {
            true => Packing::Gzip,
            false => Packing::Plain,
        }
    }

    fn ask(&self, ask: Ask) {
        let app = Arc::clone(&self.app);
        let answer = match ask {
            Ask::Authenticate { token } => async move { Told::Identity(app.identify(token.as_deref())) }.boxed(),
            ask => {
                let (id, waker, address) = (self.seat.id, self.wakeup.waker(), self.address.clone());
                async move {
                    if let (Ask::Push { auth, mutations, .. }, Some(address)) = (&ask, address) {
                        app.quotas.await_writes(ThrottleKey::of(auth, address), mutations.len()).await;
                    }
                    let begun = Instant::now();
                    let told = app.engine.answer(id, &waker, ask).await;
                    if let Told::Pushed(results) = &told {
                        app.metrics.note_push(results, begun.elapsed());
                    }
                    told
                }
                .boxed()
            }
        };
        self.answers.push(answer);
    }

    async fn wait(&mut self) -> ControlFlow<Ending> {
        let lifecycle = Arc::clone(&self.app.lifecycle);
        let timeout = self.session.poll_timeout();
        let tick = async {
            match timeout {
                Some((time, _)) => sleep(until(time)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(told) = self.answers.next(), if !self.answers.is_empty() => {
                self.session.handle(now(), Input::Told(told));
            }
            () = self.wakeup.wait() => {}
            said = self.wire.hear() => return self.hear(said),
            () = tick => {
                self.take();
                self.session.handle(now(), Input::Tick);
            }
            () = lifecycle.draining.cancelled(), if !self.is_draining => {
                self.is_draining = true;
                self.session.handle(now(), Input::Drain(lifecycle.draw_return()));
            }
            () = lifecycle.ended.cancelled() => return ControlFlow::Break(Ending::Close(Close::Restart)),
        }
        ControlFlow::Continue(())
    }

    fn hear(&mut self, said: Result<Said, Lost>) -> ControlFlow<Ending> {
        let refuse = |code, detail: &str, close| Input::Unreadable(Problem::new(code, detail), close);
        let input = match said {
            Err(lost) => return or_end(Err(lost)),
            Ok(Said::Text(text)) => {
                self.meter.note_received(text.len());
                Input::Frame(text)
            }
            Ok(Said::Binary) => refuse(Code::MalformedMessage, "a frame is a text message", Close::BadMessage),
            Ok(Said::NotUtf8) => refuse(Code::MalformedJson, "a text message is UTF-8", Close::BadMessage),
            Ok(Said::TooLarge) => {
                let detail = format!("a message is at most {MESSAGE_BYTES_MAX} bytes");
                refuse(Code::LimitMessageBytes, &detail, Close::TooBig)
            }
        };
        self.session.handle(now(), input);
        ControlFlow::Continue(())
    }

    async fn end(self, ending: Ending) -> W {
        let Self { mut wire, seat, .. } = self;
        // Whoever comes next need not wait for the farewell.
        drop(seat);
        if let Ending::Close(close) = ending {
            // It is the end: that it was not heard changes nothing.
            let _ = timeout(Duration::from_millis(FAREWELL_MS_MAX), wire.close(close)).await;
        }
        wire
    }
}

impl<S: Store> Drop for Seat<S> {
    fn drop(&mut self) {
        self.engine.close(self.id);
    }
}

fn or_end(done: Result<(), Lost>) -> ControlFlow<Ending> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(Lost::Gone | Lost::Answered) => ControlFlow::Break(Ending::Silent),
        Err(Lost::Stalled) => ControlFlow::Break(Ending::Close(Close::Slow)),
    }
}
