//! Signing up and in over plain HTTP/1.1 (spec P17): for tests, benches and servers on this machine.
//!
//! It speaks no TLS; an application with its own HTTP client signs in with that and hands the token over.

use std::io;

use swain_core::decode::Node;
use swain_core::strict_json::parse;
use swain_core::{Code, Millis, Problem, UserId, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::ClientError;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_TIME_MAX};

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The person.
    pub user: UserId,
    /// The access token.
    pub access: String,
    /// When it ends, by the server's clock.
    pub expires: Millis,
    /// What gives the next one; used once.
    pub refresh: Option<String>,
}

/// Makes an account and signs in.
pub async fn signup(url: &str, email: &str, password: &str) -> Result<Session, ClientError> {
    ask(url, "signup", &credentials(email, password)).await
}

/// Signs in.
pub async fn login(url: &str, email: &str, password: &str) -> Result<Session, ClientError> {
    ask(url, "login", &credentials(email, password)).await
}

/// The next access token, and the next refresh token.
pub async fn refresh(url: &str, refresh: &str) -> Result<Session, ClientError> {
    let body = object([("refresh", Value::text(refresh)), ("cookie", Value::Bool(false))]);
    ask(url, "refresh", &body).await
}

fn credentials(email: &str, password: &str) -> Value {
    object([("email", Value::text(email)), ("password", Value::text(password)), ("cookie", Value::Bool(false))])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

async fn ask(url: &str, what: &str, body: &Value) -> Result<Session, ClientError> {
    let bad = || ClientError::BadUrl { url: url.to_owned() };
    let host = url.strip_prefix("http://").ok_or_else(bad)?.trim_end_matches('/');
    let answer = tokio::time::timeout(ANSWER_TIME_MAX, post(host, what, &body.canonical())).await;
    let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let (status, body) = answer.map_err(|source| ClientError::Unreachable { host: host.to_owned(), source })?;
    let value = parse(&body).map_err(ClientError::Answer)?;
    if status != 200 && status != 201 {
        return Err(ClientError::Answer(read_problem(status, &value)));
    }
    read_session(&value).map_err(ClientError::Answer)
}

/// One request, one connection.
async fn post(host: &str, what: &str, body: &str) -> io::Result<(u16, String)> {
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /api/auth/{what} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    read_answer(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Status and body of an answer that came whole.
fn read_answer(answer: &[u8]) -> Option<(u16, String)> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if is_chunked { unchunk(body)? } else { body.to_owned() };
    Some((status, body))
}

fn unchunk(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n")?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..length)?);
        body = rest.get(length..)?.strip_prefix("\r\n")?;
    }
}

fn read_session(value: &Value) -> Result<Session, Problem> {
    let root = Node::root("answer", value);
    let user = root.required("user")?;
    let refresh = root.member("refresh")?;
    Ok(Session {
        user: UserId::from(user.required("id")?.text()?),
        access: root.required("access")?.text()?.to_owned(),
        expires: Millis(root.required("expires")?.count()?),
        refresh: refresh.map(|refresh| refresh.text().map(str::to_owned)).transpose()?,
    })
}

fn read_problem(status: u16, value: &Value) -> Problem {
    let root = Node::root("answer", value);
    let text = |name| root.member(name).ok().flatten().and_then(|node| node.value().as_text());
    let code = text("code").and_then(Code::from_text).unwrap_or(Code::Internal);
    let detail = text("detail").map_or_else(|| format!("status {status}"), str::to_owned);
    Problem::new(code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";

        assert_eq!(read_answer(answer), Some((200, "{\"a\":1}".to_owned())));
    }

    #[test]
    fn a_refusal_keeps_its_code() {
        let body = parse("{\"code\":\"wrong_credentials\",\"detail\":\"no\"}").unwrap();

        assert_eq!(read_problem(401, &body).code, Code::WrongCredentials);
    }
}
