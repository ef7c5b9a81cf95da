//! The threads of a store: one writes, some read, one copies the WAL into the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use swain_core::Millis;
use swain_store::StoreError;

use crate::checkpoint::{self, Checkpointer};
use crate::database::{Access, connect};
use crate::failure::Failure;
use crate::writer::{Job, Writer};

/// What a reader is asked to do.
pub(crate) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// The running threads. Dropped, they end what they have begun and are joined.
pub(crate) struct Threads {
    writer: Option<Sender<Job>>,
    readers: Option<Sender<ReadJob>>,
    checkpointer: Option<Sender<()>>,
    handles: Vec<JoinHandle<()>>,
}

/// When an idle writer looks at what other programs wrote, and what time it is then.
pub(crate) struct IdleLook {
    pub(crate) every: Duration,
    pub(crate) clock: Box<dyn Fn() -> Millis + Send>,
}

impl Threads {
    pub(crate) fn start(path: &Path, writer: Writer, look: IdleLook, readers: usize) -> Result<Self, Failure> {
        let (write_sender, write_receiver) = channel();
        let (read_sender, read_receiver) = channel();
        let (checkpoint_sender, checkpoint_stop) = channel();
        let mut threads = Self {
            writer: Some(write_sender),
            readers: Some(read_sender),
            checkpointer: Some(checkpoint_sender),
            handles: Vec::new(),
        };
        checkpoint::leave_to_another(&writer.db.conn)?;
        threads.spawn("swain-writer", move || write(writer, &look, &write_receiver))?;
        let read_receiver = Arc::new(Mutex::new(read_receiver));
        for _ in 0..readers.max(1) {
            let (conn, jobs) = (connect(Some(path), Access::Read)?, Arc::clone(&read_receiver));
            threads.spawn("swain-reader", move || read(&conn, &jobs))?;
        }
        let checkpointer = Checkpointer::open(path)?;
        threads.spawn("swain-checkpoint", move || checkpointer.run(&checkpoint_stop))?;
        Ok(threads)
    }

    /// A job that cannot be sent is dropped, and with it its reply: who waits is told.
    pub(crate) fn write(&self, job: Job) {
        if let Some(writer) = &self.writer {
            let _ = writer.send(job);
        }
    }

    /// See [`Threads::write`].
    pub(crate) fn read(&self, job: ReadJob) {
        if let Some(readers) = &self.readers {
            let _ = readers.send(job);
        }
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let handle = Builder::new().name(name.into()).spawn(work);
        let handle = handle.map_err(|error| Failure::unusable(format!("no thread can be started: {error}")))?;
        self.handles.push(handle);
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        (self.writer, self.readers, self.checkpointer) = (None, None, None);
        for handle in self.handles.drain(..) {
            // A thread that panicked has said so.
            let _ = handle.join();
        }
    }
}

fn write(mut writer: Writer, look: &IdleLook, jobs: &Receiver<Job>) {
    loop {
        match jobs.recv_timeout(look.every) {
            Ok(job) => writer.push(job),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = writer.look_if_changed((look.clock)()) {
                    let error = StoreError::from(error);
                    tracing::warn!(error = %error, "could not look for changes by other programs; will look again");
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // What came while the last commit ran goes into the next.
        loop {
            jobs.try_iter().for_each(|job| writer.push(job));
            if !step(&mut writer) {
                break;
            }
        }
    }
}

/// A panic of an arbiter must not end all writing. Who waits for what was lost is told, because its reply is dropped.
fn step(writer: &mut Writer) -> bool {
    catch_unwind(AssertUnwindSafe(|| writer.step())).unwrap_or_else(|_| {
        tracing::error!("the writer has panicked; what it had begun is undone");
        writer.recover();
        true
    })
}

fn read(conn: &Connection, jobs: &Mutex<Receiver<ReadJob>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(conn),
            Err(_) => return,
        }
    }
}
