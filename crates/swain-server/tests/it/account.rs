//! Accounts: who signs in, who stays signed in, who does not.

use futures::future::join;
use serde_json::json;
use swain_core::Millis;
use swain_server::SignUp;
use swain_server::limits::{AUTH_BODY_BYTES_MAX, EMAIL_BYTES_MAX, FAILED_LOGINS_BURST, NAME_CHARS_MAX};
use swain_store::Store;
use swain_store::memory::MemoryStore;
use swain_testkit::{spec, wait_for};

use crate::stage::{Answer, PASSWORD, Stage};

const REFRESH: &str = "/api/auth/refresh";

#[tokio::test]
async fn a_person_signs_up_in_and_out() {
    spec!("P17");
    let stage = Stage::new().await;
    let body = json!({"email": " Ada@Example.com", "password": PASSWORD, "name": "Ada"});

    let answer = stage.post("/api/auth/signup", &body, &[]).await;
    let ada = answer.account();
    assert_eq!(answer.body["user"]["email"], "ada@example.com");
    assert_eq!(answer.body["user"]["name"], "Ada");
    assert_eq!(answer.body["user"]["role"], "user");
    assert!(answer.body["now"].as_u64() < answer.body["expires"].as_u64());
    assert!(answer.body.get("refresh").is_none());
    let cookie = answer.header("set-cookie");
    for part in ["swain_refresh=", "; HttpOnly", "; SameSite=Lax", "; Path=/api/auth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "over plain HTTP");

    let taken = stage.post("/api/auth/signup", &body, &[]).await;
    assert_eq!((taken.status, taken.code()), (409, "email_taken"));

    let bearer = format!("Bearer {}", ada.access);
    let me = stage.get("/api/auth/me", &[("authorization", &bearer)]).await;
    assert_eq!(me.body["user"]["id"], ada.id.as_str());

    let out = stage.post("/api/auth/logout", &json!({}), &[("cookie", &ada.cookie)]).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let ended = stage.post(REFRESH, &json!({}), &[("cookie", &ada.cookie)]).await;
    assert_eq!((ended.status, ended.code()), (401, "unauthenticated"));
    assert_eq!(stage.login("ada").await.id, ada.id);
}

#[tokio::test]
async fn cookies_are_this_hosts_alone_when_the_page_came_over_tls() {
    spec!("P17");
    let behind_a_proxy = Stage::with(|config| config.trusted_proxies = "127.0.0.1".parse().unwrap()).await;
    let stage = Stage::new().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let over_tls = [("x-forwarded-proto", "https")];
    let own_page = [("origin", "https://swain.example"), ("host", "swain.example")];

    for (stage, headers, secure) in
        [(&behind_a_proxy, &over_tls[..], true), (&stage, &own_page, true), (&stage, &over_tls, false)]
    {
        if stage.post("/api/auth/login", &body, &[]).await.status != 200 {
            stage.signup("ada").await;
        }
        let answer = stage.post("/api/auth/login", &body, headers).await;
        for cookie in answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()) {
            let strict =
                cookie.starts_with("__Host-swain_") && cookie.contains("; Path=/;") && cookie.ends_with("; Secure");
            assert_eq!(strict, secure, "{headers:?} {cookie}");
        }
        let cookie = answer.account().cookie;
        assert_eq!(refreshed(stage, &cookie).await.status, 200, "{cookie}");
    }
}

#[tokio::test]
async fn without_a_cookie_the_refresh_token_is_in_the_body() {
    spec!("P17", "P18");
    let stage = Stage::new().await;
    stage.signup("ada").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "cookie": false});

    let answer = stage.post("/api/auth/login", &body, &[]).await;
    assert_eq!(answer.header("set-cookie"), "");
    let next = stage.post(REFRESH, &json!({"refresh": answer.body["refresh"]}), &[]).await;

    assert_eq!(next.status, 200);
    assert_eq!(next.header("set-cookie"), "");
    assert_ne!(next.body["refresh"], answer.body["refresh"]);
}

#[tokio::test]
async fn two_refreshes_at_once_get_the_same_successor() {
    spec!("P18");
    for _ in 0..5 {
        let stage = Stage::new().await;
        let ada = stage.signup("ada").await;
        let refresh = || refreshed(&stage, &ada.cookie);

        let (one, other) = join(refresh(), refresh()).await;

        assert_eq!(one.account().cookie, other.account().cookie);
        assert_ne!(one.account().cookie, ada.cookie);
        let next = refreshed(&stage, &one.account().cookie).await;
        assert_eq!(next.status, 200, "the successor is good");
    }
}

#[tokio::test]
async fn the_same_holds_on_sqlite() {
    at_the_same_time(Stage::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_on_postgresql() {
    at_the_same_time(Stage::postgres().await.0).await;
}

async fn at_the_same_time<S: Store>(stage: Stage<S>) {
    spec!("P18");
    let ada = stage.signup("ada").await;
    let refresh = || refreshed(&stage, &ada.cookie);

    let (one, other) = join(refresh(), refresh()).await;

    assert_eq!(one.account().cookie, other.account().cookie);
}

#[tokio::test]
async fn a_token_that_is_used_again_later_ends_the_whole_family() {
    spec!("P18");
    let stage = Stage::with(|config| config.tokens.grace = Millis(20)).await;
    let ada = stage.signup("ada").await;
    let next = refreshed(&stage, &ada.cookie).await.account();
    let used = swain_server::now();
    wait_for("the end of the grace", || async { (swain_server::now().since(used) > Millis(25)).then_some(()) }).await;

    let reused = refreshed(&stage, &ada.cookie).await;
    assert_eq!((reused.status, reused.code()), (401, "refresh_reused"));
    assert!(reused.header("set-cookie").contains("Max-Age=0"));

    let heir = refreshed(&stage, &next.cookie).await;
    assert_eq!((heir.status, heir.code()), (401, "unauthenticated"));
    assert_eq!(stage.login("ada").await.id, ada.id, "another sign-in is not touched");
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_every_device_and_every_open_stream() {
    spec!("P17", "P18");
    let stage = Stage::new().await;
    let phone = stage.signup("ada").await;
    let laptop = stage.login("ada").await;
    let ben = stage.signup("ben").await;
    let mut stream = stage.device(Some(&laptop.access), "d-laptop").await;
    let mut bens = stage.device(Some(&ben.access), "d-ben").await;

    let bearer = format!("Bearer {}", phone.access);
    let everywhere = json!({"everywhere": true});
    let nobody = stage.post("/api/auth/logout", &everywhere, &[]).await;
    assert_eq!((nobody.status, nobody.code()), (401, "unauthenticated"), "nobody knows whose");
    let out = stage.post("/api/auth/logout", &everywhere, &[("authorization", &bearer)]).await;
    assert_eq!(out.status, 204);

    stream.end().await;
    let laptop_bearer = format!("Bearer {}", laptop.access);
    let again = stage.get("/api/auth/me", &[("authorization", &laptop_bearer)]).await;
    assert_eq!((again.status, again.code()), (401, "unauthenticated"), "its access token has not expired");
    let refreshed = stage.post(REFRESH, &json!({}), &[("cookie", &laptop.cookie)]).await;
    assert_eq!((refreshed.status, refreshed.code()), (401, "unauthenticated"));
    let back = stage.login("ada").await;
    assert_eq!(stage.get("/api/auth/me", &[("authorization", &format!("Bearer {}", back.access))]).await.status, 200);
    bens.insert(1, "still-here").await;
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_one_of_them() {
    spec!("P17", "P18");
    let stage = Stage::new().await;
    let ben = stage.signup("ben").await;
    let phone = stage.signup("ada").await;
    let credentials = json!({"email": "ada@example.com", "password": PASSWORD});
    let long = "Mozilla/5.0 ".repeat(40);
    let laptop = stage.post("/api/auth/login", &credentials, &[("user-agent", &long)]).await.account();
    let mut stream = stage.device(Some(&laptop.access), "d-laptop").await;
    let as_ada = format!("Bearer {}", phone.access);
    let list = async |bearer: &str| stage.get("/api/auth/devices", &[("authorization", bearer)]).await.body;

    let devices = list(&as_ada).await["devices"].as_array().unwrap().clone();
    assert_eq!(devices.len(), 2);
    let own = devices.iter().find(|device| device["current"] == true).unwrap();
    let other = devices.iter().find(|device| device["current"] == false).unwrap();
    assert!(other["agent"].as_str().unwrap().len() == 200 && other["agent"].as_str().unwrap().starts_with("Mozilla"));
    assert!(own["seen"].as_u64() >= own["begun"].as_u64().map(|begun| begun - 1000));

    let end = async |bearer: &str, id: &str| {
        let url = stage.url(&format!("/api/auth/devices/{id}"));
        Stage::<MemoryStore>::send(stage.http.delete(url), &[("authorization", bearer)]).await
    };
    let id = other["id"].as_str().unwrap();
    assert_eq!(end(&format!("Bearer {}", ben.access), id).await.code(), "not_found", "it is not his");
    assert_eq!(end(&as_ada, id).await.status, 204);

    stream.end().await;
    let me = stage.get("/api/auth/me", &[("authorization", &format!("Bearer {}", laptop.access))]).await;
    assert_eq!((me.status, me.code()), (401, "unauthenticated"), "its access token has not expired");
    assert_eq!(refreshed(&stage, &laptop.cookie).await.status, 401);
    assert_eq!(refreshed(&stage, &phone.cookie).await.status, 200, "the phone goes on");
    assert_eq!(list(&as_ada).await["devices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_password_ends_every_sign_in_but_the_one_that_it_begins() {
    spec!("P17", "P18");
    let stage = Stage::new().await;
    let (phone, laptop) = (stage.signup("ada").await, stage.login("ada").await);
    let bearer = format!("Bearer {}", phone.access);
    let change = |current: &str, next: &str| json!({"current": current, "next": next});
    let as_ada = [("authorization", bearer.as_str())];

    let wrong = stage.post("/api/auth/password", &change("not this one", "another word"), &as_ada).await;
    assert_eq!((wrong.status, wrong.code()), (401, "wrong_credentials"));
    let short = stage.post("/api/auth/password", &change(PASSWORD, "short"), &as_ada).await;
    assert_eq!((short.code(), &short.body["at"]), ("bad_password", &json!("body.next")));
    let visitor = stage.post("/api/auth/password", &change(PASSWORD, "another word"), &[]).await;
    assert_eq!((visitor.status, visitor.code()), (401, "unauthenticated"));

    let changed = stage.post("/api/auth/password", &change(PASSWORD, "another word"), &as_ada).await.account();
    let ended = stage.post(REFRESH, &json!({}), &[("cookie", &laptop.cookie)]).await;
    assert_eq!((ended.status, ended.code()), (401, "unauthenticated"));
    assert_eq!(stage.post(REFRESH, &json!({}), &[("cookie", &changed.cookie)]).await.status, 200);
    let login = |password: &str| json!({"email": "ada@example.com", "password": password});
    assert_eq!(stage.post("/api/auth/login", &login(PASSWORD), &[]).await.code(), "wrong_credentials");
    assert_eq!(stage.post("/api/auth/login", &login("another word"), &[]).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_ends_after_its_time() {
    spec!("P18");
    let stage = Stage::with(|config| config.tokens.refresh = Millis(20)).await;
    let ada = stage.signup("ada").await;

    let ended = wait_for("the end of the sign-in", || async {
        let answer = refreshed(&stage, &ada.cookie).await;
        (answer.status == 401).then_some(answer)
    });

    assert_eq!(ended.await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_told_alike() {
    spec!("P17");
    let stage = Stage::new().await;
    stage.signup("ada").await;
    let login = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        stage.post("/api/auth/login", &body, &[]).await
    };

    let wrong = login("ada@example.com", "not-this-one").await;
    let unknown = login("eve@example.com", PASSWORD).await;

    assert_eq!((wrong.status, wrong.code()), (401, "wrong_credentials"));
    assert_eq!(wrong.body, unknown.body);
}

#[tokio::test]
async fn failed_logins_are_slowed_down_and_good_ones_are_not() {
    spec!("P16");
    let stage = Stage::new().await;
    stage.signup("ada").await;
    for _ in 0..FAILED_LOGINS_BURST + 5 {
        stage.login("ada").await;
    }
    // Passwords this long are wrong without being hashed, so the burst is over before it refills.
    let body = json!({"email": "ada@example.com", "password": "x".repeat(2000)});
    let mut answers = Vec::new();
    for _ in 0..FAILED_LOGINS_BURST + 1 {
        answers.push(stage.post("/api/auth/login", &body, &[]).await);
    }

    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let burst = usize::try_from(FAILED_LOGINS_BURST).unwrap();
    assert!(statuses[..burst].iter().all(|status| *status == 401), "{statuses:?}");
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.code()), (429, "limit_message_rate"));
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn behind_a_trusted_proxy_people_are_slowed_down_one_by_one() {
    spec!("P16");
    let stage = Stage::with(|config| config.trusted_proxies = "127.0.0.1".parse().unwrap()).await;
    let login = async |name: &str, hops: &str| {
        let body = json!({"email": format!("{name}@example.com"), "password": "x".repeat(2000)});
        stage.post("/api/auth/login", &body, &[("x-forwarded-for", hops)]).await.status
    };
    for attempt in 0..FAILED_LOGINS_BURST {
        // What the person's own client wrote in front counts for nothing.
        login(&format!("a{attempt}"), &format!("198.51.100.{attempt}, 192.0.2.1")).await;
    }

    assert_eq!(login("another", "198.51.100.99, 192.0.2.1").await, 429);
    assert_eq!(login("another", "192.0.2.2").await, 401);
}

#[tokio::test]
async fn accounts_are_taken_at_their_limits_and_not_beyond() {
    spec!("P16", "P17");
    let stage = Stage::new().await;
    let signup = async |email: String, password: String, name: String| {
        let body = json!({"email": email, "password": password, "name": name});
        let answer = stage.post("/api/auth/signup", &body, &[]).await;
        (answer.status, answer.code().to_owned())
    };
    let email = |length: usize| format!("{}@example.com", "e".repeat(length - 12));
    let x = |length: usize| "x".repeat(length);

    let good = signup(email(EMAIL_BYTES_MAX), x(1024), x(NAME_CHARS_MAX)).await;
    assert_eq!(good.0, 200);
    assert_eq!(signup(email(100), x(8), x(1)).await.0, 200);
    for (email, password, name, code) in [
        (email(EMAIL_BYTES_MAX + 1), x(8), x(1), "bad_email"),
        ("ada".into(), x(8), x(1), "bad_email"),
        ("a da@example.com".into(), x(8), x(1), "bad_email"),
        (email(50), x(7), x(1), "bad_password"),
        (email(50), x(1025), x(1), "bad_password"),
        (email(50), x(8), x(NAME_CHARS_MAX + 1), "wrong_type"),
    ] {
        assert_eq!(signup(email, password, name).await, (400, code.to_owned()));
    }
}

#[tokio::test]
async fn bodies_are_taken_at_the_limit_and_not_beyond() {
    spec!("P16");
    let stage = Stage::new().await;
    let answer = async |length: usize| {
        let frame = r#"{"pad":""}"#.len();
        let body = json!({"pad": "x".repeat(length - frame)});
        stage.post("/api/auth/logout", &body, &[]).await.status
    };

    assert_eq!(answer(AUTH_BODY_BYTES_MAX).await, 204);
    assert_eq!(answer(AUTH_BODY_BYTES_MAX + 1).await, 413);
}

#[tokio::test]
async fn a_closed_server_makes_no_accounts() {
    let stage = Stage::with(|config| config.sign_up = SignUp::Closed).await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});

    let answer = stage.post("/api/auth/signup", &body, &[]).await;

    assert_eq!((answer.status, answer.code()), (403, "not_allowed"));
}

#[tokio::test]
async fn requests_of_other_sites_do_not_use_the_cookie() {
    spec!("P17");
    let stage = Stage::new().await;
    let ada = stage.signup("ada").await;
    let own = format!("http://{}", stage.running.address);
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", own.as_str(), 200),
    ] {
        let headers = [("cookie", ada.cookie.as_str()), (name, value)];
        let answer = stage.post(REFRESH, &json!({}), &headers).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 403 {
            assert_eq!(answer.code(), "origin_not_allowed");
        }
    }
}

async fn refreshed<S: Store>(stage: &Stage<S>, cookie: &str) -> Answer {
    stage.post(REFRESH, &json!({}), &[("cookie", cookie)]).await
}
