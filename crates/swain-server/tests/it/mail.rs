//! Forgotten passwords, and addresses that are shown to be somebody's (spec P17).

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join};
use serde_json::json;
use swain_server::limits::MAILS_BURST;
use swain_server::{Mail, MailAbout, Mailer, Mails};
use swain_store::memory::MemoryStore;
use swain_testkit::{spec, wait_for};

use crate::http_streams::bearer;
use crate::stage::{Answer, PASSWORD, Stage};

const RESET: &str = "/api/auth/reset";
const VERIFY: &str = "/api/auth/verify";
const PAGE: &str = "https://club.example/account";

/// Keeps what would be sent.
#[derive(Clone, Default)]
struct Postbox(Arc<Mutex<Vec<Mail>>>);

impl Mailer for Postbox {
    fn send(&self, mail: Mail) -> BoxFuture<'static, Result<(), String>> {
        self.0.lock().unwrap().push(mail);
        async { Ok(()) }.boxed()
    }
}

impl Postbox {
    fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap().clone()
    }

    /// The newest mail about this, once there are so many of them, and the token in it.
    async fn token(&self, about: MailAbout, count: usize) -> String {
        let mail = wait_for("a mail", async || {
            let mut mails: Vec<Mail> = self.mails().into_iter().filter(|mail| mail.about == about).collect();
            if mails.len() >= count { mails.pop() } else { None }
        });
        let mail = mail.await;
        mail.link.strip_prefix(PAGE).unwrap().split_once('=').unwrap().1.to_owned()
    }
}

async fn stage(must_verify: bool) -> (Stage<MemoryStore>, Postbox) {
    let postbox = Postbox::default();
    let mailer = Arc::new(postbox.clone());
    let mails = Mails { page: PAGE.into(), mailer, must_verify };
    (Stage::with(|config| config.mails = Some(mails)).await, postbox)
}

async fn login(stage: &Stage<MemoryStore>, password: &str) -> Answer {
    stage.post("/api/auth/login", &json!({"email": "ada@example.com", "password": password}), &[]).await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_once_and_every_other_sign_in_ends() {
    spec!("P17", "P18");
    let (stage, postbox) = stage(false).await;
    let laptop = stage.signup("ada").await;

    let asked = stage.post(RESET, &json!({"email": "Ada@example.com"}), &[]).await;
    let token = postbox.token(MailAbout::Reset, 1).await;
    let body = json!({"token": token, "password": "another one"});
    let answer = stage.post(RESET, &body, &[]).await;

    assert_eq!((asked.status, asked.body), (202, json!({})));
    assert_eq!(answer.body["user"]["verified"], true, "who reads the mails has the address");
    assert_eq!(answer.account().id, laptop.id);
    assert_eq!(login(&stage, PASSWORD).await.code(), "wrong_credentials");
    assert_eq!(login(&stage, "another one").await.status, 200);
    let ended = stage.post("/api/auth/refresh", &json!({}), &[("cookie", &laptop.cookie)]).await;
    assert_eq!(ended.status, 401, "the laptop is signed out");
    let again = stage.post(RESET, &body, &[]).await;
    assert_eq!((again.status, again.code()), (410, "link_ended"));
}

#[tokio::test]
async fn of_two_who_use_one_link_at_once_one_does() {
    spec!("P17");
    let (stage, postbox) = stage(false).await;
    stage.signup("ada").await;
    stage.post(RESET, &json!({"email": "ada@example.com"}), &[]).await;
    let token = postbox.token(MailAbout::Reset, 1).await;
    let bodies = ["the password of one", "the password of two"].map(|text| json!({"token": token, "password": text}));

    let (one, two) = join(stage.post(RESET, &bodies[0], &[]), stage.post(RESET, &bodies[1], &[])).await;

    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && [410, 503].contains(&statuses[1]), "{statuses:?}");
    let winner = if one.status == 200 { "the password of one" } else { "the password of two" };
    assert_eq!(login(&stage, winner).await.status, 200);
}

#[tokio::test]
async fn an_address_that_nobody_has_is_answered_like_any_other() {
    spec!("P17");
    let (stage, postbox) = stage(false).await;
    stage.signup("ada").await;
    postbox.token(MailAbout::Verify, 1).await;
    let ask = async |email: &str| stage.post(RESET, &json!({"email": email}), &[]).await;

    for email in ["nobody@example.com", "ada@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..=MAILS_BURST {
            answers.push(ask(email).await.status);
        }
        assert!(answers.starts_with(&[202]) && answers.ends_with(&[429]), "{email}: {answers:?}");
    }
    assert!(postbox.mails().iter().all(|mail| mail.to == "ada@example.com"));
    assert_eq!(ask("no address").await.code(), "bad_email");
}

#[tokio::test]
async fn nobody_signs_in_before_the_address_is_shown_to_be_theirs() {
    spec!("P17");
    let (stage, postbox) = stage(true).await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "name": "<b>Ada</b>\r\nBcc: eve"});

    let signup = stage.post("/api/auth/signup", &body, &[]).await;
    assert_eq!((signup.status, signup.code()), (403, "email_unverified"));
    assert_eq!(login(&stage, PASSWORD).await.code(), "email_unverified");
    assert_eq!(
        login(&stage, "wrong password").await.code(),
        "wrong_credentials",
        "who does not know it hears nothing else"
    );

    let token = postbox.token(MailAbout::Verify, 1).await;
    assert_eq!(stage.post(VERIFY, &json!({"token": format!("{token}x")}), &[]).await.code(), "link_ended");
    let verified = stage.post(VERIFY, &json!({"token": token}), &[]).await;
    assert_eq!(verified.body["user"]["verified"], true);
    assert_eq!(verified.header("set-cookie"), "", "it is no sign-in");
    assert_eq!(stage.post(VERIFY, &json!({"token": token}), &[]).await.code(), "link_ended");
    assert_eq!(login(&stage, PASSWORD).await.status, 200);
    let text = postbox.mails()[0].text();
    assert!(text.starts_with("Hello <b>Ada</b>  Bcc: eve,\n"), "{text}");
}

#[tokio::test]
async fn a_token_for_one_thing_is_good_for_no_other() {
    spec!("P17");
    let (stage, postbox) = stage(false).await;
    let ada = stage.signup("ada").await;
    let verify = postbox.token(MailAbout::Verify, 1).await;

    let reset = stage.post(RESET, &json!({"token": verify, "password": "another one"}), &[]).await;
    assert_eq!(reset.code(), "link_ended");
    let mine = stage.post(VERIFY, &json!({}), &[("authorization", &bearer(&ada))]).await;
    assert_eq!(mine.status, 202);
    assert_eq!(stage.post(VERIFY, &json!({}), &[]).await.code(), "unauthenticated");
}

#[tokio::test]
async fn without_mails_the_routes_say_so() {
    spec!("P17");
    let stage = Stage::new().await;
    for path in [RESET, VERIFY] {
        let answer = stage.post(path, &json!({"email": "ada@example.com"}), &[]).await;
        assert_eq!((answer.status, answer.code()), (404, "mail_off"));
    }
}

/// Whatever is written there stays what it is.
#[tokio::test]
async fn a_name_is_changed_and_stays_text() {
    spec!("P17");
    let stage = Stage::new().await;
    let ada = stage.signup("ada").await;
    let name = "<script>alert(1)</script>'; DROP TABLE swain_persons; --";
    let rename = async |name: &str| {
        stage.post("/api/auth/profile", &json!({"name": name}), &[("authorization", &bearer(&ada))]).await
    };

    assert_eq!(rename(name).await.body["user"]["name"], name);
    let me = stage.get("/api/auth/me", &[("authorization", &bearer(&ada))]).await;
    assert_eq!((&me.body["user"]["name"], me.header("content-type")), (&json!(name), "application/json"));
    assert_eq!(rename(&"x".repeat(101)).await.code(), "wrong_type");
    assert_eq!(rename(" ").await.body["user"]["name"], name, "no name is no change");
}
