//! One connection's server side, as a machine: a cursor and a set of shapes, nothing more (spec S7).
//!
//! ```text
//! Hello ──hello──► Authenticating ──identity──► Opening ──opened──► Running ──► Closed
//! ```
//! While it runs, two sub-machines work side by side: the stream (behind: reads pages of the log; live: takes what the
//! hub has) and the load (chunks of rows, then the log over them, then `load_end`).
//!
//! The driver calls [`Session::handle`] with what happened and [`Session::poll`] until it gives nothing. It sends a frame
//! before it polls again, so what is not sent is not yet made: the socket's pace is the session's pace.

mod load;
mod nearby;
mod rate;
mod running;
mod stream;

use std::collections::VecDeque;

use swain_core::limits::MESSAGE_BYTES_MAX;
use swain_core::protocol::{Close, Goaway, Hello, Presence, Up, kind_of_frame, number_frame};
use swain_core::{Code, Millis, Problem};

use crate::engine::{Ask, Identity, OpenRequest, Told};
use crate::hub::Taken;
use crate::limits::{HEARTBEAT_MS, HELLO_MS_MAX};
use rate::Rate;
use running::Running;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A message from the device.
    Frame(String),
    /// The hello of a device whose transport has no messages upward.
    Hello(Box<Hello>),
    /// A message from the device that the transport could not take: too large, or no text.
    Unreadable(Problem, Close),
    /// The answer to an [`Output::Ask`].
    Told(Told),
    /// What waits for the session; to be given after every wake-up, after every answer, and before every tick.
    Taken(Taken),
    /// What its device said of its tabs beside the stream, and whether there is something new about others; to be given
    /// with [`Input::Taken`] when there is something.
    Presence(Vec<Presence>, bool),
    /// Time has passed.
    Tick,
    /// The server is going down: the device shall come back after this time.
    Drain(Millis),
}

/// What to do.
#[derive(Debug)]
pub enum Output {
    /// Send this frame.
    Send(String),
    /// Answer this.
    Ask(Ask),
    /// Close the connection. Nothing comes after it.
    Close(Close),
}

/// A connection's server side.
#[derive(Debug)]
pub struct Session {
    opened: Millis,
    phase: Phase,
    rate: Rate,
    out: VecDeque<Output>,
    last_sent: Millis,
    numbers: Numbers,
    takes_gzip: bool,
    heartbeat: Millis,
}

/// The numbers of frames (spec P19).
#[derive(Debug)]
enum Numbers {
    /// So many frames were sent.
    After(u64),
    /// What comes whole or not at all needs none.
    None,
}

#[derive(Debug)]
enum Phase {
    Hello,
    Authenticating(Box<Hello>),
    Opening(Identity),
    Running(Box<Running>),
    Closed,
}

impl Session {
    /// A connection that has just been opened.
    pub fn new(now: Millis) -> Self {
        Self {
            opened: now,
            phase: Phase::Hello,
            rate: Rate::new(now),
            out: VecDeque::new(),
            last_sent: now,
            numbers: Numbers::After(0),
            takes_gzip: false,
            heartbeat: Millis(HEARTBEAT_MS),
        }
    }

    /// The same with another longest silence.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Millis) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// The same without numbers in its frames: they come in one piece (spec P21).
    #[must_use]
    pub fn without_numbers(mut self) -> Self {
        self.numbers = Numbers::None;
        self
    }

    /// Whether the device said that it takes compressed frames (spec P23).
    pub fn takes_gzip(&self) -> bool {
        self.takes_gzip
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Millis, input: Input) {
        match (&mut self.phase, input) {
            (Phase::Closed, _) => {}
            (_, Input::Frame(text)) => self.handle_frame(now, &text),
            (Phase::Hello, Input::Hello(hello)) => self.handle_hello(*hello),
            (_, Input::Hello(_)) => {}
            (_, Input::Unreadable(problem, close)) => self.refuse(&problem, close),
            (_, Input::Told(Told::Failed(problem))) => self.fail(problem),
            (_, Input::Told(Told::Expired)) => self.handle_goaway("expired", Millis(0)),
            (_, Input::Told(told)) => self.handle_told(now, told),
            (Phase::Running(running), Input::Taken(taken)) => running.handle_taken(taken),
            (_, Input::Taken(_)) => {}
            (_, Input::Presence(said, has_news)) => self.handle_presence(now, said, has_news),
            (_, Input::Tick) => self.handle_tick(now),
            (_, Input::Drain(retry)) => self.handle_goaway("draining", retry),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self, now: Millis) -> Option<Output> {
        if self.out.is_empty()
            && let Phase::Running(running) = &mut self.phase
        {
            running.poll(now, &mut self.out);
        }
        let mut output = self.out.pop_front()?;
        match &mut output {
            Output::Send(frame) => {
                if let Numbers::After(sent) = &mut self.numbers {
                    *sent += 1;
                    number_frame(frame, *sent);
                }
                // What is told of others moves no cursor: a heartbeat comes all the same.
                if kind_of_frame(frame) != "presence" {
                    self.last_sent = now;
                }
            }
            Output::Close(_) => self.phase = Phase::Closed,
            Output::Ask(_) => {}
        }
        Some(output)
    }

    /// When [`Input::Tick`] is due, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        match &self.phase {
            Phase::Hello => Some((self.opened.plus(Millis(HELLO_MS_MAX)), "hello")),
            Phase::Authenticating(_) | Phase::Opening(_) | Phase::Closed => None,
            Phase::Running(running) => {
                let heartbeat = (self.last_sent.plus(self.heartbeat), "heartbeat");
                let expiry = running.expires().map(|expires| (expires, "token expiry"));
                let nearby = running.nearby_timeout().map(|due| (due, "presence"));
                expiry.into_iter().chain(nearby).chain([heartbeat]).min()
            }
        }
    }

    fn handle_frame(&mut self, now: Millis, text: &str) {
        if !self.rate.admits(now) {
            let problem = Problem::new(Code::LimitMessageRate, "messages come faster than 100 a second");
            return self.refuse(&problem, Close::Policy);
        }
        let close = if text.len() > MESSAGE_BYTES_MAX { Close::TooBig } else { Close::BadMessage };
        let message = match Up::read(text) {
            Ok(message) => message,
            Err(problem) => return self.refuse(&problem, close),
        };
        match (&mut self.phase, message) {
            (Phase::Hello, Up::Hello(hello)) => self.handle_hello(hello),
            (Phase::Running(running), Up::Push(mutations)) => {
                if let Err(problem) = running.handle_push(mutations) {
                    self.refuse(&problem, Close::Policy);
                }
            }
            (Phase::Running(running), Up::Auth(token)) => running.handle_auth(token),
            (Phase::Running(_), Up::Presence(said)) => self.handle_presence(now, vec![said], false),
            (Phase::Running(_), Up::Hello(_)) => {
                let problem = Problem::new(Code::HelloExpected, "hello is the first message, and only the first");
                self.refuse(&problem, Close::BadMessage);
            }
            (_, _) => {
                let problem = Problem::new(Code::HelloExpected, "the first message is hello; the next after welcome");
                self.refuse(&problem, Close::BadMessage);
            }
        }
    }

    fn handle_presence(&mut self, now: Millis, said: Vec<Presence>, has_news: bool) {
        let Phase::Running(running) = &mut self.phase else { return };
        if has_news {
            running.handle_nearby_news();
        }
        // A poll is over before anybody has looked: nobody is anywhere by one (spec P28).
        if matches!(self.numbers, Numbers::None) {
            return;
        }
        let mut said = said.into_iter();
        if let Err(problem) = said.try_for_each(|presence| running.handle_presence(now, presence)) {
            self.refuse(&problem, Close::Policy);
        }
    }

    fn handle_hello(&mut self, hello: Hello) {
        self.takes_gzip = hello.gzip;
        self.out.push_back(Output::Ask(Ask::Authenticate { token: hello.token.clone() }));
        self.phase = Phase::Authenticating(Box::new(hello));
    }

    fn handle_told(&mut self, now: Millis, told: Told) {
        match (std::mem::replace(&mut self.phase, Phase::Closed), told) {
            (Phase::Authenticating(hello), Told::Identity(Ok(identity))) => {
                let request = OpenRequest { hello: *hello, auth: identity.auth.clone(), now };
                self.out.push_back(Output::Ask(Ask::Open(Box::new(request))));
                self.phase = Phase::Opening(identity);
            }
            (Phase::Authenticating(_), Told::Identity(Err(problem))) => self.refuse(&problem, Close::AuthExpired),
            (Phase::Opening(identity), Told::Opened(Ok(opened))) => {
                let mut running = Running::new(*opened, identity.expires, self.heartbeat);
                self.out.push_back(Output::Send(running.welcome(now, self.heartbeat).to_text()));
                self.phase = Phase::Running(Box::new(running));
            }
            (Phase::Opening(_), Told::Opened(Err(problem))) => {
                let close = match problem.code {
                    Code::DeviceNotYours => Close::Forbidden,
                    Code::Overloaded => Close::Overloaded,
                    Code::LimitUserSessions => Close::Policy,
                    _ => Close::BadMessage,
                };
                self.refuse(&problem, close);
            }
            (Phase::Running(mut running), told) => {
                let heard = running.handle_told(told);
                self.phase = Phase::Running(running);
                if let Err((problem, close)) = heard {
                    self.refuse(&problem, close);
                }
            }
            (phase, _) => self.phase = phase,
        }
    }

    fn handle_tick(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Hello if now >= self.opened.plus(Millis(HELLO_MS_MAX)) => {
                let problem = Problem::new(Code::HelloExpected, "no hello came in time");
                self.refuse(&problem, Close::HelloTooLate);
            }
            Phase::Running(running) => {
                if running.expires().is_some_and(|expires| expires <= now) {
                    let problem = Problem::new(Code::TokenExpired, "the access token has expired; renew it");
                    return self.refuse(&problem, Close::AuthExpired);
                }
                if self.last_sent.plus(self.heartbeat) <= now {
                    running.handle_heartbeat_due();
                }
            }
            Phase::Hello | Phase::Authenticating(_) | Phase::Opening(_) | Phase::Closed => {}
        }
    }

    fn handle_goaway(&mut self, reason: &str, retry: Millis) {
        let goaway = Goaway { reason: reason.into(), retry };
        match &mut self.phase {
            // Pushes that wait are answered first.
            Phase::Running(running) => running.handle_goaway(goaway),
            _ => {
                self.out.push_back(Output::Send(goaway.to_text()));
                self.out.push_back(Output::Close(Close::Restart));
            }
        }
    }

    fn fail(&mut self, problem: Problem) {
        self.refuse(&problem, Close::Overloaded);
    }

    fn refuse(&mut self, problem: &Problem, close: Close) {
        self.out.push_back(Output::Send(problem.to_text()));
        self.out.push_back(Output::Close(close));
        self.phase = Phase::Closed;
    }
}
