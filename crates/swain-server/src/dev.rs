//! What `swain dev` tells open pages: that something was saved, or what is wrong with what was saved.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use swain_core::Code;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::App;
use crate::clock::now;
use crate::limits::DEV_SILENCE_MS_MAX;
use crate::refusal::Refusal;

/// Tells open pages what was saved. Clones tell the same pages; a server that takes the place of another gets one.
#[derive(Clone, Debug)]
pub struct Reloads(Arc<watch::Sender<News>>);

/// The last thing that was told.
#[derive(Clone, Debug)]
struct News {
    /// Rises, also from one run of the program to the next, so that a page that comes back knows whether it missed one.
    number: u64,
    word: Word,
}

#[derive(Clone, Debug)]
enum Word {
    Nothing,
    Reload(String),
    Problem(String),
}

impl Default for Reloads {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(News { number: now().0, word: Word::Nothing })))
    }
}

impl Reloads {
    /// Pages load themselves again, because of this file.
    pub fn reload(&self, what: &str) {
        self.tell(Word::Reload(what.to_owned()));
    }

    /// What was saved cannot be used; pages show why and stay.
    pub fn problem(&self, text: &str) {
        self.tell(Word::Problem(text.to_owned()));
    }

    fn tell(&self, word: Word) {
        self.0.send_modify(|news| *news = News { number: news.number.max(now().0) + 1, word });
    }
}

/// `GET /api/dev/reload`: server-sent events `reload` and `problem`.
pub(crate) async fn reloads<S: Send + Sync + 'static>(
    State(app): State<Arc<App<S>>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Some(Reloads(sender)) = &app.reloads else {
        return Err(Refusal::new(Code::NotFound, "there is nothing at /api/dev/reload"));
    };
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let receiver = sender.subscribe();
    let ending = app.lifecycle.draining.clone();
    let first = greeting(&receiver.borrow(), seen);
    let events = stream::unfold((receiver, Some(first)), move |(mut receiver, first)| {
        let ending = ending.clone();
        async move {
            if let Some(first) = first {
                return Some((Ok::<_, Infallible>(first), (receiver, None)));
            }
            tokio::select! {
                () = ending.cancelled() => None,
                text = next(&mut receiver) => Some((Ok(text?), (receiver, None))),
            }
        }
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// The next event, or a line that says nothing, by which a connection that is gone is noticed.
async fn next(receiver: &mut watch::Receiver<News>) -> Option<String> {
    match timeout(Duration::from_millis(DEV_SILENCE_MS_MAX), receiver.changed()).await {
        Ok(Ok(())) => Some(event(&receiver.borrow_and_update())),
        Ok(Err(_)) => None,
        Err(_) => Some(":\n\n".to_owned()),
    }
}

/// A page that missed a reload gets it now; one that is new hears only of what is wrong.
fn greeting(news: &News, seen: Option<u64>) -> String {
    let missed = seen.is_some_and(|seen| seen < news.number);
    match (&news.word, missed) {
        (Word::Problem(_), _) | (Word::Reload(_), true) => event(news),
        (Word::Reload(_) | Word::Nothing, _) => format!("id: {}\n\n", news.number),
    }
}

fn event(news: &News) -> String {
    let (name, data) = match &news.word {
        Word::Nothing => return format!("id: {}\n\n", news.number),
        Word::Reload(what) => ("reload", what),
        Word::Problem(text) => ("problem", text),
    };
    let mut event = format!("id: {}\nevent: {name}\n", news.number);
    for line in data.lines() {
        writeln!(event, "data: {line}").expect("a string takes everything");
    }
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_missed_a_reload_gets_it_and_a_new_one_does_not() {
        let news = |word| News { number: 7, word };
        let reload = || news(Word::Reload("app.js".into()));

        assert_eq!(greeting(&reload(), Some(6)), "id: 7\nevent: reload\ndata: app.js\n\n");
        assert_eq!(greeting(&reload(), Some(7)), "id: 7\n\n");
        assert_eq!(greeting(&reload(), None), "id: 7\n\n");
        let problem = news(Word::Problem("a\nb".into()));
        assert_eq!(greeting(&problem, None), "id: 7\nevent: problem\ndata: a\ndata: b\n\n");
    }
}
