//! HTTP proxies as some offices have them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What a proxy does to those behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Passes an answer on when all of it has come.
    Buffers,
    /// Ends every connection after this time.
    CutsAfter(Duration),
    /// Answers 403 to who asks for an upgrade.
    RefusesUpgrade,
}

pub(crate) struct RudeProxy {
    pub(crate) address: SocketAddr,
    cuts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl RudeProxy {
    pub(crate) async fn start(server: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts: Arc<AtomicUsize> = Arc::default();
        let counter = Arc::clone(&cuts);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(serve(client, server, manner, Arc::clone(&counter)));
            }
        });
        Self { address, cuts, task }
    }

    /// Connections that it ended while they were in use.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for RudeProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(client: TcpStream, server: TcpStream, manner: Manner, cuts: Arc<AtomicUsize>) {
    match manner {
        Manner::Buffers => pump(client, server, Downward::Held(Vec::new()), Upward::Passes).await,
        Manner::RefusesUpgrade => pump(client, server, Downward::Passes, Upward::NoUpgrade).await,
        Manner::CutsAfter(time) => tokio::select! {
            () = pump(client, server, Downward::Passes, Upward::Passes) => {}
            // sleep: the time is what this proxy is about.
            () = sleep(time) => drop(cuts.fetch_add(1, Ordering::Relaxed)),
        },
    }
}

enum Downward {
    Passes,
    /// What has come of the answer.
    Held(Vec<u8>),
}

#[derive(PartialEq)]
enum Upward {
    Passes,
    NoUpgrade,
}

async fn pump(mut client: TcpStream, mut server: TcpStream, mut downward: Downward, upward: Upward) {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                if upward == Upward::NoUpgrade && asks_for_upgrade(&up[..count]) {
                    let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
                    return;
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                let passed = match &mut downward {
                    Downward::Passes => client.write_all(&down[..count]).await,
                    Downward::Held(held) => {
                        held.extend_from_slice(&down[..count]);
                        if !is_whole(held) {
                            continue;
                        }
                        client.write_all(&std::mem::take(held)).await
                    }
                };
                if passed.is_err() {
                    return;
                }
            }
        }
    }
}

fn asks_for_upgrade(request: &[u8]) -> bool {
    String::from_utf8_lossy(request).to_ascii_lowercase().contains("\r\nupgrade:")
}

/// Whether an answer has its end; an upgrade and an endless stream never have.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let body = &answer[end + 4..];
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    match length {
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n"),
    }
}
