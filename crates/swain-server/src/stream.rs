//! A TCP connection that gives up when the other side takes nothing, and that says goodbye.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep, timeout};

use crate::limits::{FAREWELL_BYTES_MAX, FAREWELL_MS_MAX};

/// How long a connection may keep the server waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Until its first bytes are there.
    pub(crate) opening: Duration,
    /// Between two bytes that it takes.
    pub(crate) write: Duration,
}

/// Reading fails when the first bytes do not come. Writing fails with [`io::ErrorKind::TimedOut`] when nothing got on for
/// a while; each byte that leaves starts the time anew, and writing may be tried again, for a close frame.
pub(crate) struct PatientStream {
    /// There until the end.
    stream: Option<TcpStream>,
    patience: Patience,
    opening: Option<Opening>,
    /// Set while a write waits; so idle connections have no timer.
    deadline: Option<Pin<Box<Sleep>>>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The look for HTTP/2 at the start of a connection has no time limit of its own. It is over when as many bytes came
/// as HTTP/2 begins with; then the time limit for headers takes over.
struct Opening {
    bytes_left: usize,
    deadline: Pin<Box<Sleep>>,
}

const HTTP2_PREFACE_BYTES: usize = 24;

impl PatientStream {
    pub(crate) fn new(stream: TcpStream, patience: Patience, permit: OwnedSemaphorePermit) -> Self {
        let opening = Opening { bytes_left: HTTP2_PREFACE_BYTES, deadline: Box::pin(sleep(patience.opening)) };
        Self { stream: Some(stream), patience, opening: Some(opening), deadline: None, permit: Some(permit) }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.stream.as_mut().expect("it is there until the drop"))
    }

    fn with_patience(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let patience = self.patience.write;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        if deadline.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.deadline = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Opening {
    /// What is left of it after so many bytes.
    fn after(self, bytes: usize) -> Option<Self> {
        let bytes_left = self.bytes_left.saturating_sub(bytes);
        (bytes_left > 0).then_some(Self { bytes_left, ..self })
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream().poll_read(context, buffer);
        let Some(mut opening) = self.opening.take() else {
            return read;
        };
        if read.is_pending() && opening.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.opening = opening.after(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.with_patience(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, slices);
        self.with_patience(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

impl Drop for PatientStream {
    /// A socket that is closed with unread bytes in it resets the connection, and the other side never reads why:
    /// so the rest is read first, for a while.
    fn drop(&mut self) {
        if let (Some(stream), Ok(runtime)) = (self.stream.take(), Handle::try_current()) {
            runtime.spawn(say_goodbye(stream, self.permit.take()));
        }
    }
}

async fn say_goodbye(mut stream: TcpStream, _permit: Option<OwnedSemaphorePermit>) {
    let rest = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; 8 * 1024];
        let mut read = 0;
        while read < FAREWELL_BYTES_MAX {
            match stream.read(&mut buffer).await? {
                0 => break,
                count => read += count,
            }
        }
        io::Result::Ok(())
    };
    // What goes wrong here concerns nobody any more.
    let _ = timeout(Duration::from_millis(FAREWELL_MS_MAX), rest).await;
}
