//! The life of a connection: open, greet, end, wait, try again (spec C8).

use alloc::string::String;

use super::{Device, Telling, Token};
use crate::client::output::{Cause, Output};
use crate::client::session::{Connection, Patience, Push, Renewal};
use crate::client::status::Stop;
use crate::ids::Millis;
use crate::limits::{CONNECT_MS_MAX, PUSH_PAUSE_MS_MIN, RECONNECT_HEALTHY_MS};
use crate::protocol::{Close, Hello, Up};

impl Device {
    pub(super) fn token(&mut self, now: Millis, token: Option<String>) {
        self.token = match self.token {
            Token::Renewing(_) if !self.connection.is_open() => Token::Renewing(token),
            Token::Unknown | Token::Known(_) | Token::Renewing(_) => Token::Known(token),
        };
        match &mut self.connection {
            Connection::NeedsToken | Connection::Stopped(Stop::Unauthenticated | Stop::Forbidden) => {
                self.connect(now);
            }
            Connection::Running(session) => {
                let (Token::Known(Some(token)) | Token::Renewing(Some(token))) = &self.token else {
                    return;
                };
                session.renewal = Renewal::Sent;
                self.outputs.push_back(Output::Send(Up::auth(token)));
            }
            Connection::NeedsDevice { .. }
            | Connection::Stopped(Stop::Paused | Stop::StorageFailed)
            | Connection::Waiting { .. }
            | Connection::Connecting { .. }
            | Connection::Greeting { .. } => {}
        }
    }

    pub(super) fn opened(&mut self, now: Millis) {
        let Connection::Connecting { .. } = self.connection else {
            return;
        };
        let deadline = now.plus(Millis(CONNECT_MS_MAX));
        self.connection = Connection::Greeting { deadline };
        self.frames = 0;
        let meta = &self.replica.meta;
        let token = match &self.token {
            Token::Unknown => None,
            Token::Known(token) | Token::Renewing(token) => token.clone(),
        };
        let hello = Hello {
            token,
            device: meta.device.clone(),
            cursor: meta.cursor.clone(),
            // Results of what is acknowledged but not told are asked for again.
            acked: self.replica.outbox.known_up_to(meta.acked),
            shapes: self.config.shapes.clone(),
            load: meta.load.clone(),
            // A version is one of this server's history, as the cursor is.
            schema: meta.cursor.as_ref().or(meta.load.as_ref()).and(self.replica.known_schema()),
            gzip: self.config.compression,
        };
        self.outputs.push_back(Output::Send(hello.to_text()));
    }

    pub(super) fn closed(&mut self, now: Millis, code: Option<u16>) {
        if !self.connection.is_open() {
            return;
        }
        match code {
            Some(code) if code == Close::AuthExpired.code() => self.renew_token(),
            Some(code) if code == Close::Forbidden.code() => {
                self.connection = Connection::Stopped(Stop::Forbidden);
            }
            Some(code) if code == Close::Overloaded.code() => {
                self.wait_for_delay(now, Patience::AskedFor);
            }
            Some(_) | None => self.wait_for_delay(now, Patience::Own),
        }
    }

    pub(super) fn tick(&mut self, now: Millis) {
        let due = |at: Millis| at <= now;
        match &mut self.connection {
            Connection::NeedsToken | Connection::NeedsDevice { .. } | Connection::Stopped(_) => {}
            Connection::Waiting { until, .. } if due(*until) => self.connect(now),
            Connection::Waiting { .. } => {}
            Connection::Connecting { deadline } | Connection::Greeting { deadline } => {
                if due(*deadline) {
                    self.drop_connection(now);
                }
            }
            Connection::Running(session) => {
                let overdue = matches!(session.push, Push::InFlight { until } if due(until));
                if overdue || due(session.silence_ends()) {
                    return self.drop_connection(now);
                }
                if let Renewal::Due { at } = session.renewal
                    && due(at)
                {
                    session.renewal = Renewal::NotNeeded;
                    self.outputs.push_back(Output::NeedToken { renew: true });
                }
            }
        }
    }

    pub(super) fn wake(&mut self, now: Millis) {
        // After a sleep of the computer the stream may be long dead.
        self.tick(now);
        if let Connection::Waiting { patience: Patience::Own, .. } = self.connection {
            self.connect(now);
        }
    }

    pub(super) fn resume(&mut self, now: Millis) {
        match self.connection {
            Connection::Stopped(Stop::Unauthenticated) => self.renew_token(),
            Connection::Stopped(Stop::Paused | Stop::Forbidden) => self.connect(now),
            Connection::Stopped(Stop::StorageFailed)
            | Connection::NeedsToken
            | Connection::NeedsDevice { .. }
            | Connection::Waiting { .. }
            | Connection::Connecting { .. }
            | Connection::Greeting { .. }
            | Connection::Running(_) => {}
        }
    }

    pub(super) fn stop(&mut self, stop: Stop) {
        if self.connection.stop() == Some(Stop::StorageFailed) {
            return;
        }
        self.close_transport(Cause::Left);
        self.connection = Connection::Stopped(stop);
    }

    pub(super) fn connect(&mut self, now: Millis) {
        if self.token == Token::Unknown {
            self.connection = Connection::NeedsToken;
            self.outputs.push_back(Output::NeedToken { renew: false });
            return;
        }
        let deadline = now.plus(Millis(CONNECT_MS_MAX));
        self.connection = Connection::Connecting { deadline };
        self.outputs.push_back(Output::Connect);
    }

    /// The connection is of no use; try again later.
    pub(super) fn drop_connection(&mut self, now: Millis) {
        self.close_transport(Cause::Dead);
        self.wait_for_delay(now, Patience::Own);
    }

    /// The server asked for this pause.
    pub(super) fn wait_as_asked(&mut self, now: Millis, pause: Millis) {
        self.close_transport(Cause::Left);
        self.connection = Connection::Waiting { until: now.plus(pause), patience: Patience::AskedFor };
    }

    /// Starts again without a cursor (divergence); edits stay.
    pub(super) fn start_over(&mut self, now: Millis) {
        let applied = self.replica.forget_cursor();
        self.apply(applied, Telling::WhenRowsChanged);
        self.drop_connection(now);
    }

    pub(super) fn close_transport(&mut self, cause: Cause) {
        if self.connection.is_open() {
            self.outputs.push_back(Output::Close(cause));
        }
    }

    /// The same mutations again after a pause (spec C9).
    pub(super) fn pause_push(&mut self, now: Millis) {
        let delay = self.push_pauses.delay(&mut self.random);
        let until = now.plus(delay.max(Millis(PUSH_PAUSE_MS_MIN)));
        if let Some(session) = self.connection.session() {
            session.push = Push::Paused { until };
        }
    }

    fn wait_for_delay(&mut self, now: Millis, patience: Patience) {
        if let Connection::Running(session) = &self.connection
            && now.since(session.since).0 >= RECONNECT_HEALTHY_MS
        {
            self.reconnects.reset();
        }
        let until = now.plus(self.reconnects.delay(&mut self.random));
        self.connection = Connection::Waiting { until, patience };
    }

    /// 4401: a new token once; when that is not accepted either, a person has to sign in.
    fn renew_token(&mut self) {
        let was_fresh = matches!(self.token, Token::Renewing(_)) && self.connection.is_open();
        if was_fresh {
            self.token = Token::Unknown;
            self.connection = Connection::Stopped(Stop::Unauthenticated);
            return;
        }
        self.token = Token::Renewing(None);
        self.connection = Connection::NeedsToken;
        self.outputs.push_back(Output::NeedToken { renew: true });
    }

    /// A welcome proves the token.
    pub(super) fn token_accepted(&mut self) {
        if let Token::Renewing(token) = &mut self.token {
            self.token = Token::Known(token.take());
        }
    }
}
