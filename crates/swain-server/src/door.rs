//! Lets connections in, up to a number.

use std::io;
use std::sync::Arc;

use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::stream::{Patience, PatientStream};

#[derive(Clone, Debug)]
pub(crate) struct Door {
    room: Arc<Semaphore>,
    patience: Patience,
}

impl Door {
    pub(crate) fn new(connections: usize, patience: Patience) -> Self {
        let connections = connections.min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(connections)), patience }
    }

    fn let_in(&self, stream: TcpStream) -> io::Result<PatientStream> {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit = permit.map_err(|_| io::Error::other("more connections than the limit"))?;
        // Frames are small and shall not wait for each other.
        stream.set_nodelay(true)?;
        Ok(PatientStream::new(stream, self.patience, permit))
    }
}

impl<T> Accept<TcpStream, T> for Door {
    type Stream = PatientStream;
    type Service = T;
    type Future = std::future::Ready<io::Result<(PatientStream, T)>>;

    fn accept(&self, stream: TcpStream, service: T) -> Self::Future {
        std::future::ready(self.let_in(stream).map(|stream| (stream, service)))
    }
}
