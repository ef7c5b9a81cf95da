//! A TCP proxy that cuts connections at a byte.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes bytes on, until the armed cut is reached: then both sides end.
pub(crate) struct CuttingProxy {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

/// Where the way down ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Bytes that still pass, over however many connections; the next one does not.
    pub(crate) after: usize,
    pub(crate) ending: Ending,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// What was passed on can still be read.
    Close,
    /// What was not read yet is lost, too.
    Reset,
}

#[derive(Default)]
struct Script {
    cuts: VecDeque<Cut>,
    /// Bytes that passed downward, and cuts that were made.
    passed: usize,
    made: usize,
}

impl CuttingProxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(pump(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, script, task }
    }

    /// From now on: these cuts one after the other, each counted from the one before.
    pub(crate) fn arm(&self, cuts: impl IntoIterator<Item = Cut>) {
        let mut script = self.script.lock().unwrap();
        *script = Script { cuts: cuts.into_iter().collect(), ..Script::default() };
    }

    /// No more cuts; gives the bytes that passed and the cuts that were made since it was armed.
    pub(crate) fn disarm(&self) -> (usize, usize) {
        let mut script = self.script.lock().unwrap();
        script.cuts.clear();
        (script.passed, script.made)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    /// How many of these bytes pass, and how it ends if they are the last.
    fn admit(&mut self, count: usize) -> (usize, Option<Ending>) {
        let ending = match self.cuts.front_mut() {
            Some(cut) if cut.after >= count => {
                cut.after -= count;
                None
            }
            Some(_) | None => self.cuts.pop_front(),
        };
        let passing = ending.map_or(count, |cut| cut.after);
        self.passed += passing;
        self.made += usize::from(ending.is_some());
        (passing, ending.map(|cut| cut.ending))
    }
}

async fn pump(mut client: TcpStream, mut server: TcpStream, script: Arc<Mutex<Script>>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 && server.write_all(&up[..count]).await.is_ok() => {}
                Ok(_) | Err(_) => return,
            },
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                let (passing, ending) = script.lock().unwrap().admit(count);
                let passed = client.write_all(&down[..passing]).await;
                if let Some(Ending::Reset) = ending {
                    client.set_zero_linger().unwrap();
                }
                if passed.is_err() || ending.is_some() {
                    return;
                }
            }
        }
    }
}
