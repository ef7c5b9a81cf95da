//! Tokens of the application's own identity provider: which count, which do not, and what their claims do.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value as Json, json};
use swain_core::protocol::Down;
use swain_core::{Epoch, Key, Row};
use swain_engine::{Engine, TableConfig};
use swain_server::{ExternalTokens, KeysError, Secret, ServerConfig, now};
use swain_store::Store;
use swain_store::memory::{MemoryOptions, MemoryStore};
use swain_testkit::spec;

use crate::socket::{Heard, Hello};
use crate::stage::{Stage, schema};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "club";
const PEM: &[u8] = include_bytes!("external.pem");

fn claims() -> Json {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "role": "coach", "exp": now().0 / 1000 + 600 })
}

/// The claims with some changed; null takes one out.
fn with(changes: Json) -> Json {
    let mut all = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Json::Null => drop(all.as_object_mut().unwrap().remove(name)),
            value => all[name] = value.clone(),
        }
    }
    all
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(PEM).unwrap()
}

fn signed(claims: &Json) -> String {
    encode(&Header { kid: Some("k1".into()), ..Header::new(Algorithm::RS256) }, claims, &rsa()).unwrap()
}

fn key_set() -> String {
    let mut jwk = Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("k1".into());
    serde_json::to_string(&JwkSet { keys: vec![jwk] }).unwrap()
}

/// The server has to be there first: it says by which library is signed.
async fn stage() -> Stage<MemoryStore> {
    let first = Stage::new().await;
    let external = ExternalTokens::with_key_set(ISSUER, AUDIENCE, &key_set()).unwrap();
    drop(first);
    Stage::with(|config| config.external = Some(external)).await
}

async fn said<S: Store>(stage: &Stage<S>, token: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let answer = stage.post("/api/sync/shapes", &json!({ "shapes": [] }), &[("authorization", &bearer)]).await;
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn a_token_counts_for_its_issuer_audience_and_key_alone() {
    spec!("R15");
    let stage = stage().await;
    for good in [claims(), with(json!({"aud": ["x", AUDIENCE]})), with(json!({"role": null})), with(json!({"sub": 7}))]
    {
        assert_eq!(said(&stage, &signed(&good)).await.0, 200, "{good}");
    }
    for bad in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": [ISSUER]}),
        json!({"iss": [ISSUER, "https://evil.example"]}),
        json!({"iss": null}),
        json!({"aud": "other"}),
        json!({"aud": ["other"]}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": ["ada"]}),
        json!({"sub": "x".repeat(257)}),
        json!({"exp": null}),
        json!({"exp": "9999999999"}),
        json!({"nbf": now().0 / 1000 + 600}),
    ] {
        let refused = said(&stage, &signed(&with(bad.clone()))).await;
        assert_eq!(refused, (401, "unauthenticated".into()), "{bad}");
    }
    let old = with(json!({"exp": now().0 / 1000 - 1}));
    assert_eq!(said(&stage, &signed(&old)).await, (401, "token_expired".into()));
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_checked() {
    spec!("R15");
    let stage = stage().await;
    let refused = (401, "unauthenticated".to_owned());
    let part = |json: &Json| signed(json).split('.').nth(1).unwrap().to_owned();

    // {"alg":"none"}, with and without a signature.
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0"] {
        let real = signed(&claims());
        let signature = real.rsplit('.').next().unwrap();
        assert_eq!(said(&stage, &format!("{none}.{}.", part(&claims()))).await, refused);
        assert_eq!(said(&stage, &format!("{none}.{}.{signature}", part(&claims()))).await, refused);
    }
    // What everybody knows of the key is no secret for HS256.
    let set: Json = serde_json::from_str(&key_set()).unwrap();
    let public = set["keys"][0]["n"].as_str().unwrap().to_owned();
    for secret in [public.as_bytes(), key_set().as_bytes(), b"", PEM] {
        for kid in [Some("k1".to_owned()), None] {
            let header = Header { kid, ..Header::new(Algorithm::HS256) };
            let forged = encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(said(&stage, &forged).await, refused);
        }
    }
    // The right key in another way, and a key that is not there.
    let other = encode(&Header::new(Algorithm::RS512), &claims(), &rsa()).unwrap();
    assert_eq!(said(&stage, &other).await, refused);
    let unknown = Header { kid: Some("k2".into()), ..Header::new(Algorithm::RS256) };
    assert_eq!(said(&stage, &encode(&unknown, &claims(), &rsa()).unwrap()).await, refused);
    // The server's own tokens still count, and its issuer is nobody else's.
    let ada = stage.signup("ada").await;
    assert_eq!(said(&stage, &ada.access).await.0, 200);
    assert_eq!(said(&stage, &signed(&with(json!({"iss": "swain", "aud": "swain"})))).await, refused);
}

#[tokio::test]
async fn a_shared_secret_checks_its_own_algorithm() {
    spec!("R15");
    let secret = Secret::new([9; 32]).unwrap();
    let external = ExternalTokens::with_secret(ISSUER, AUDIENCE, &secret).with_claims("uid", "group");
    let stage = Stage::with(|config: &mut ServerConfig| config.external = Some(external)).await;
    let sign = |algorithm, secret: &[u8], claims: &Json| {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let uid = with(json!({"uid": "ada", "sub": null}));

    assert_eq!(said(&stage, &sign(Algorithm::HS256, &[9; 32], &uid)).await.0, 200);
    assert_eq!(said(&stage, &sign(Algorithm::HS256, &[9; 32], &claims())).await.0, 401, "no uid");
    assert_eq!(said(&stage, &sign(Algorithm::HS512, &[9; 32], &uid)).await.0, 401);
    assert_eq!(said(&stage, &sign(Algorithm::HS256, &[8; 32], &uid)).await.0, 401);
    assert_eq!(said(&stage, &signed(&uid)).await.0, 401);
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    spec!("R15");
    let read = |set: &str| ExternalTokens::with_key_set(ISSUER, AUDIENCE, set).map(drop);

    assert!(matches!(read("no set"), Err(KeysError::NotASet(_))));
    assert_eq!(read(r#"{"keys":[]}"#), Err(KeysError::Empty));
    assert_eq!(
        read(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#),
        Err(KeysError::Unusable(0)),
        "a secret is not public"
    );
}

#[tokio::test]
async fn claims_say_what_is_read_and_a_new_token_may_say_otherwise() {
    spec!("R14");
    let t = TableConfig { read: Some("a = auth.claims.team".into()), ..TableConfig::default() };
    let (epoch, checks) = (Epoch::from("e1"), BTreeMap::new());
    let store = MemoryStore::new(MemoryOptions { epoch, schema: schema(), checks, seed: 7, planted: None });
    let engine = Engine::open(Arc::new(store), &BTreeMap::from([("t".to_owned(), t)]), now()).await.unwrap();
    let secret = Secret::new([9; 32]).unwrap();
    let external = ExternalTokens::with_secret(ISSUER, AUDIENCE, &secret);
    let stage = Stage::of(engine, |config| config.external = Some(external)).await;
    for team in ["p", "q"] {
        let row = Row::default().with("id", team).with("a", team);
        stage.engine.store().write_outside(now(), "t", |rows| drop(rows.insert(Key::of(team), row)));
    }
    let token = |team: &str, id: &str| {
        let claims = with(json!({"team": team, "jti": id, "groups": ["x"]}));
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&[9; 32])).unwrap()
    };
    let renewal = |token: String| json!({"auth": {"token": token}}).to_string();

    let mut device = stage.device(Some(&token("p", "1")), "d-1").await;
    assert_eq!(device.rows.keys().collect::<Vec<_>>(), [&Key::of("p")]);
    let cursor = device.cursor();

    // A claim that no rule asks for is another one in every token.
    device.send(renewal(token("p", "2"))).await;
    device.until("the news of the token", |frame| matches!(frame, Down::Heartbeat(_)).then_some(())).await;
    device.send(renewal(token("q", "3"))).await;
    let mut has_goaway = false;
    while let Heard::Frame(frame) = device.next().await {
        has_goaway |= matches!(frame, Down::Goaway(_));
    }
    assert!(has_goaway);

    let mut again = stage.socket().await;
    again.greet(Hello::new(Some(&token("q", "4")), "d-1").at(&cursor)).await;
    again.caught_up().await;
    assert_eq!(again.rows.keys().collect::<Vec<_>>(), [&Key::of("q")]);
}
