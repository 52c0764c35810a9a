//! When keys are fetched, and what an issuer that fails costs.

use std::collections::VecDeque;
use std::iter;
use std::sync::Mutex;

use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::super::testing::{EC, OTHER_EC, SigningKey, algorithms, claims, key_set, now, rules};
use super::super::tokens::{TokenCheck, TokenFault, TokenRefusal, TokenVerifier};
use super::*;
use crate::clock::WallClock;
use crate::observe::testing::Told;
use crate::telemetry::testing::logged;

/// What an issuer answers, fetch by fetch; after the last answer, nothing but that.
#[derive(Clone, Default)]
struct Issuer {
    answers: Arc<Mutex<VecDeque<Option<Vec<SigningKey>>>>>,
    asked: Arc<AtomicU64>,
}

impl Issuer {
    fn of(answers: &[Option<&[&SigningKey]>]) -> Self {
        let answers = answers
            .iter()
            .map(|keys| keys.map(|keys| keys.iter().copied().cloned().collect::<Vec<_>>()));
        Self {
            answers: Arc::new(Mutex::new(answers.collect())),
            asked: Arc::default(),
        }
    }

    async fn answer(self) -> Result<KeySet, KeySetFault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        let keys = answer.flatten().ok_or(KeySetFault::Slow)?;
        Ok(key_set(&keys.iter().collect::<Vec<_>>()))
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn keys(&self) -> IssuerKeys {
        self.keys_for(Observers::default())
    }

    fn keys_for(&self, observers: Observers) -> IssuerKeys {
        let issuer = self.clone();
        IssuerKeys::fetched_by(move || issuer.clone().answer(), observers)
    }

    fn verifier(&self) -> TokenVerifier {
        let rules = rules(KeySource::File(key_set(&[&EC])));
        let clock = WallClock::fixed(now());
        TokenVerifier::with_keys(&rules, self.keys(), clock, Observers::default())
    }
}

async fn verify(verifier: &TokenVerifier, token: &str) -> Result<(), TokenRefusal> {
    let until = Instant::now() + Duration::from_secs(5);
    let decision = match verifier.check(token) {
        TokenCheck::Decided(decided) => decided,
        TokenCheck::AwaitsKeys => verifier.check_with_new_keys(token, until).await,
    };
    decision.map(drop)
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_silent_is_not_waited_for_in_vain() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let client = KeySetClient::new(url.parse().unwrap(), None, &[]);
    assert!(matches!(client.fetch().await, Err(KeySetFault::Slow)));
}

/// A token that names a key which nobody has.
fn unknown(number: usize) -> String {
    let head = format!(r#"{{"alg":"ES256","kid":"unknown-{number}"}}"#);
    OTHER_EC.sign(&head, &claims().to_string())
}

const UNKNOWN: Result<(), TokenRefusal> = Err(TokenRefusal::Invalid(TokenFault::UnknownKey));

#[tokio::test(start_paused = true)]
async fn whoever_comes_before_the_first_keys_waits_for_them() {
    let issuer = Issuer::of(&[Some(&[&EC])]);
    let verifier = issuer.verifier();
    let token = EC.token(&claims());
    let many = join_all((0..1000).map(|_| verify(&verifier, &token))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_keys_every_token_is_refused_and_told_when_to_come_again() {
    let issuer = Issuer::of(&[None, None, Some(&[&EC])]);
    let verifier = issuer.verifier();
    let token = EC.token(&claims());
    let refused = |seconds| {
        Err(TokenRefusal::Unavailable {
            retry_after: Duration::from_secs(seconds),
        })
    };
    assert_eq!(verify(&verifier, &token).await, refused(1));
    // Nobody hurries an issuer that does not answer.
    assert_eq!(verify(&verifier, &token).await, refused(1));
    assert_eq!(issuer.asked(), 1);
    advance(Duration::from_secs(1)).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(issuer.asked(), 2);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(verify(&verifier, &token).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn while_an_issuer_keeps_silent_nobody_is_told_to_come_again_at_once() {
    let keys = Issuer::of(&[None]).keys();
    for _ in 0..9 {
        assert!(keys.next_fetch_in() >= FIRST_RETRY);
        sleep(Duration::from_millis(150)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_token_does_not_name_is_fetched_too() {
    let issuer = Issuer::of(&[Some(&[&EC]), Some(&[&OTHER_EC])]);
    let verifier = issuer.verifier();
    let token = OTHER_EC.sign(r#"{"alg":"ES256"}"#, &claims().to_string());
    let forged: Result<(), TokenRefusal> = Err(TokenFault::Signature.into());
    assert_eq!(verify(&verifier, &token).await, forged);
    advance(WANTED_AT_MOST).await;
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_from_the_same_url_stay_until_other_rules_have_fetched_theirs() {
    let source = |host: &str| KeySource::Url {
        url: format!("http://{host}/keys").parse().unwrap(),
        ca: None,
    };
    let before = rules(source("127.0.0.1:1"));
    let keys = Issuer::of(&[Some(&[&EC])]).keys();
    let clock = WallClock::fixed(now());
    let verifier = TokenVerifier::with_keys(&before, keys, clock, Observers::default());
    let token = EC.token(&claims());
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    let mut after = before.clone();
    after.algorithms.reverse();
    let next = verifier.succeed(&after);
    assert_eq!(verify(&next, &token).await, Ok(()));
    after.keys = source("127.0.0.2:1");
    let elsewhere = verifier.succeed(&after);
    assert_eq!(elsewhere.keys_in_force(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_keys_that_are_there() {
    let issuer = Issuer::of(&[Some(&[&EC]), None]);
    let told = Told::default();
    let keys = issuer.keys_for(Observers::from(Arc::new(told.clone())));
    sleep(Duration::from_hours(24)).await;
    let lines = told.lines();
    assert_eq!(lines[0], r#"KeySetFetched("fetched")"#);
    assert!(lines.len() > 1000);
    assert!(
        lines[1..]
            .iter()
            .all(|line| line == r#"KeySetFetched("slow")"#)
    );
    assert_eq!(keys.in_force().unwrap().keys, key_set(&[&EC]));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_unknown_keys_costs_the_issuer_one_fetch_a_minute() {
    let issuer = Issuer::of(&[Some(&[&EC])]);
    let verifier = issuer.verifier();
    assert_eq!(verify(&verifier, &EC.token(&claims())).await, Ok(()));
    let tokens: Vec<_> = (0..10_000).map(unknown).collect();
    // Within the first minute, another fetch would tell no more.
    let storm = join_all(tokens.iter().map(|token| verify(&verifier, token))).await;
    assert!(storm.iter().all(|outcome| *outcome == UNKNOWN));
    assert_eq!(issuer.asked(), 1);
    for minute in 1..4 {
        advance(Duration::from_mins(1)).await;
        let storm = join_all(tokens.iter().map(|token| verify(&verifier, token))).await;
        assert!(storm.iter().all(|outcome| *outcome == UNKNOWN));
        assert_eq!(issuer.asked(), 1 + minute);
    }
    assert_eq!(verify(&verifier, &EC.token(&claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let issuer = Issuer::of(&[Some(&[&EC]), Some(&[&EC, &OTHER_EC])]);
    let verifier = issuer.verifier();
    let token = OTHER_EC.token(&claims());
    assert_eq!(verify(&verifier, &token).await, UNKNOWN);
    let before = verifier.keys_in_force();
    advance(Duration::from_mins(1)).await;
    let many = join_all((0..100).map(|_| verify(&verifier, &token))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 2);
    assert_ne!(verifier.keys_in_force(), before);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_its_issuer_withdraws_is_gone_within_minutes() {
    let issuer = Issuer::of(&[
        Some(&[&EC, &OTHER_EC]),
        Some(&[&EC, &OTHER_EC]),
        Some(&[&EC]),
    ]);
    let verifier = issuer.verifier();
    let token = OTHER_EC.token(&claims());
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    let before = verifier.keys_in_force();
    sleep(FRESH + Duration::from_secs(1)).await;
    assert_eq!(issuer.asked(), 2);
    // Fetched, and the same.
    assert_eq!(verifier.keys_in_force(), before);
    sleep(FRESH + Duration::from_secs(1)).await;
    assert_ne!(verifier.keys_in_force(), before);
    assert_eq!(verify(&verifier, &token).await, UNKNOWN);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_though_whoever_wanted_it_hangs_up() {
    let issuer = Issuer::of(&[Some(&[&EC])]);
    let verifier = issuer.verifier();
    let token = EC.token(&claims());
    let until = Instant::now() + Duration::from_millis(10);
    let hurried = verifier.check_with_new_keys(&token, until).await;
    assert!(matches!(hurried, Err(TokenRefusal::Unavailable { .. })));
    sleep(Duration::from_millis(200)).await;
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_for_keys_that_are_not_in_force_any_more() {
    let issuer = Issuer::of(&[Some(&[&EC])]);
    let keys = issuer.keys();
    sleep(Duration::from_secs(1)).await;
    drop(keys);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn the_log_shows_the_first_ids_of_keys_that_are_short() {
    let ids = (0..12).map(|number| format!("key-{number}"));
    let ids = iter::once("x".repeat(LONGEST_SHOWN + 1)).chain(ids);
    let secret = "A".repeat(43);
    let keys: Vec<_> = ids
        .map(|id| serde_json::json!({ "kty": "oct", "kid": id, "k": secret }))
        .collect();
    let text = serde_json::json!({ "keys": keys }).to_string();
    let keys = KeySet::read(text.as_bytes(), &algorithms()).unwrap();
    let written = logged("info", || FetchedKeys::new().put(keys));
    let record: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(record["count"], 13);
    let shown: Vec<_> = record["keys"].as_str().unwrap().split(' ').collect();
    let expected: Vec<_> = (0..MOST_SHOWN)
        .map(|number| format!("key-{number}"))
        .collect();
    assert_eq!(shown, expected);
}
