//! Callers with tokens: verified once, and remembered with all that their grants come to.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

use crate::caller::Verified;
use crate::observe::Observers;
use crate::plan::{Callers, ClaimCondition, Jwt};

use super::known_caller::{CredentialKind, KnownCaller};
use super::recognition::Recognition;
use super::refused::RefusedCredentials;
use super::remembered::Remembered;
use super::tokens::{TokenCheck, TokenFault, TokenRefusal, TokenVerifier, VerifiedToken};

/// How long a request waits for keys that are fetched. Whoever is told to come again may do so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Knows callers by their tokens.
#[derive(Debug)]
pub(super) struct TokenCallers {
    verifier: TokenVerifier,
    remembered: Remembered<Arc<KnownCaller>>,
    /// Whose grants they have.
    callers: Callers,
}

impl TokenCallers {
    /// Knows those whose tokens keep these rules, and remembers `room` bytes of them. Keys that `before` has
    /// fetched by equal rules stay.
    pub(super) fn new(
        rules: &Jwt,
        callers: &Callers,
        observers: &Observers,
        room: u64,
        before: Option<&Self>,
    ) -> Self {
        Self {
            verifier: match before {
                Some(before) => before.verifier.succeed(rules),
                None => TokenVerifier::new(rules, observers.clone()),
            },
            remembered: Remembered::new("tokens", room),
            callers: callers.clone(),
        }
    }

    /// What was verified.
    pub(super) const fn all(&self) -> &Remembered<Arc<KnownCaller>> {
        &self.remembered
    }

    /// The caller whose token was verified a moment ago.
    pub(super) fn remembered(&self, token: &[u8]) -> Option<Arc<KnownCaller>> {
        let keys = self.verifier.keys_in_force();
        self.remembered.get(token, keys, Instant::now())
    }

    /// The caller who brings a token.
    pub(super) fn recognize(self: &Arc<Self>, token: &[u8]) -> Recognition {
        let Ok(token) = str::from_utf8(token) else {
            return Recognition::Refused(RefusedCredentials::Invalid);
        };
        match self.verifier.check(token) {
            TokenCheck::Decided(decided) => match self.known(token, decided) {
                Ok(known) => Recognition::Known(known),
                Err(refusal) => Recognition::Refused(refusal),
            },
            TokenCheck::AwaitsKeys => {
                let (callers, token) = (Arc::clone(self), token.to_owned());
                Recognition::Awaited(Box::new(move |until| {
                    let until = until.min(Instant::now() + PATIENCE);
                    Box::pin(async move {
                        let decided = callers.verifier.check_with_new_keys(&token, until).await;
                        callers.known(&token, decided)
                    })
                }))
            }
        }
    }

    fn known(
        &self,
        token: &str,
        decided: Result<VerifiedToken, TokenRefusal>,
    ) -> Result<Arc<KnownCaller>, RefusedCredentials> {
        let verified = decided.map_err(|refusal| match refusal {
            TokenRefusal::Invalid(TokenFault::Expired) => RefusedCredentials::Ended,
            TokenRefusal::Invalid(_) => RefusedCredentials::Invalid,
            TokenRefusal::Unavailable { retry_after } => {
                RefusedCredentials::Unavailable { retry_after }
            }
        })?;
        let VerifiedToken {
            identity,
            claims,
            holds_for,
            keys,
        } = verified;
        let grants = self.callers.grants.iter();
        let grants = grants.filter(|(_, grant)| {
            (grant.when.as_ref()).is_some_and(|condition| holds(condition, &claims))
        });
        let grants: Vec<_> = grants.map(|(name, _)| name.clone()).collect();
        // The same name of another issuer is another caller.
        let name = format!("{}\0{identity}", self.verifier.issuer());
        let verified = Verified {
            id: identity,
            claims,
            token: Some(SecretString::from(token)),
            forwarded: http::HeaderMap::new(),
        };
        let known = KnownCaller::verified(
            CredentialKind::Token,
            &name,
            verified,
            &grants,
            &self.callers,
        );
        let known = Arc::new(known);
        let bytes = known.bytes();
        (self.remembered).put(token.as_bytes(), Arc::clone(&known), bytes, keys, holds_for);
        Ok(known)
    }
}

/// Whether a claim is one of the texts, or a list that has one of them.
fn holds(condition: &ClaimCondition, claims: &Value) -> bool {
    let is_wanted = |text: &str| condition.any.iter().any(|any| any == text);
    match condition.claim.find(claims) {
        Some(Value::String(text)) if condition.claim.is_scope() => text.split(' ').any(is_wanted),
        Some(Value::String(text)) => is_wanted(text),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).any(is_wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::testing::{EC, claims_with, key_set, rules};
    use super::*;
    use crate::caller::VisibleSources;
    use crate::config::testing::plan;
    use crate::plan::KeySource;

    const ISSUER: &str = "https://id.example.com";

    /// Who is known by the tokens of this issuer, with these grants.
    fn callers(issuer: &str, grants: &str) -> Arc<TokenCallers> {
        let plan = plan(&format!(
            "callers.jwt = {{ issuer = 'i', audience = 'a', jwks.url = 'https://id.example.com/keys' }}
            {grants}"
        ));
        let rules = Jwt {
            issuer: issuer.to_owned(),
            ..rules(KeySource::File(key_set(&[&EC])))
        };
        let (callers, observers) = (plan.callers.unwrap(), Observers::default());
        Arc::new(TokenCallers::new(
            &rules,
            &callers,
            &observers,
            1 << 20,
            None,
        ))
    }

    /// A token of one in finance, which does not end.
    fn token(name: &str, value: Value) -> String {
        let mut claims = claims_with("iat", Value::Null);
        claims["exp"] = 4_000_000_000_u64.into();
        claims[name] = value;
        EC.token(&claims)
    }

    fn known(callers: &Arc<TokenCallers>, token: &str) -> Arc<KnownCaller> {
        match callers.recognize(token.as_bytes()) {
            Recognition::Known(known) => known,
            Recognition::Refused(_) | Recognition::Awaited(_) => panic!("it is known"),
        }
    }

    /// How many bytes are kept of a caller who is granted so many sources, and whose token claims this as well.
    fn weighed(sources: usize, more: Value) -> u64 {
        let sources: Vec<_> = (0..sources)
            .map(|number| format!("source-{number}"))
            .collect();
        let grants = format!(
            "grants.all = {{ sources = {sources:?}, when = {{ claim = '/groups', any = ['finance'] }} }}"
        );
        let callers = callers(ISSUER, &grants);
        known(&callers, &token("more", more));
        callers.remembered.weighed()
    }

    #[test]
    fn a_token_has_the_grants_that_are_for_its_claims_and_no_others() {
        let callers = callers(
            ISSUER,
            "grants.finance = { sources = ['a'], when = { claim = '/groups', any = ['finance'] } }
            grants.audit = { sources = ['b'], when = { claim = '/groups', any = ['audit'] } }
            grants.of_keys.sources = ['c']",
        );
        let known = known(&callers, &token("more", Value::Null));
        assert_eq!(*known.grants, ["finance".to_owned()]);
        assert_eq!(known.caller.visible, VisibleSources::only(["a"]));
    }

    #[test]
    fn one_name_of_two_issuers_is_two_callers() {
        let other = "https://id.example.org";
        let [one, two] = [ISSUER, other]
            .map(|issuer| known(&callers(issuer, ""), &token("iss", json!(issuer))).identity());
        assert_ne!(one, two);
    }

    #[test]
    fn what_was_verified_with_keys_that_have_gone_since_is_verified_again() {
        let (callers, token) = (callers(ISSUER, ""), token("more", Value::Null));
        let TokenCheck::Decided(Ok(verified)) = callers.verifier.check(&token) else {
            panic!("it is verified");
        };
        let with_keys_before = VerifiedToken {
            keys: verified.keys.wrapping_sub(1),
            ..verified
        };
        assert!(callers.known(&token, Ok(with_keys_before)).is_ok());
        assert!(callers.remembered(token.as_bytes()).is_none());
        known(&callers, &token);
        assert!(callers.remembered(token.as_bytes()).is_some());
    }

    #[test]
    fn what_is_remembered_counts_what_its_caller_may_see_and_what_its_claims_take() {
        let least = weighed(1, Value::Null);
        assert!(weighed(1000, Value::Null) >= least + 999 * "source-0".len() as u64);
        let list = json!(vec![0; 4000]);
        let (text, places) = (list.to_string().len(), 4000 * size_of::<Value>());
        assert!(weighed(1, list) >= least + (text + places) as u64);
    }

    #[rstest]
    #[case("/groups", json!({ "groups": ["staff", "finance"] }), true)]
    #[case("/groups", json!({ "groups": "finance" }), true)]
    #[case("/groups", json!({ "groups": "Finance" }), false)]
    #[case("/groups", json!({ "groups": "finance staff" }), false)]
    #[case("/groups", json!({ "groups": ["staff", ["finance"], 7] }), false)]
    #[case("/groups", json!({ "groups": { "finance": true } }), false)]
    #[case("/groups", json!({}), false)]
    #[case("/scope", json!({ "scope": "openid finance" }), true)]
    #[case("/scope", json!({ "scope": "openid finances" }), false)]
    #[case("/scp", json!({ "scp": "openid finance" }), true)]
    #[case("/realm/roles", json!({ "realm": { "roles": ["finance"] } }), true)]
    fn a_claim_is_one_of_the_texts_or_a_list_with_one_of_them(
        #[case] claim: &str,
        #[case] claims: Value,
        #[case] expected: bool,
    ) {
        let condition = ClaimCondition {
            claim: claim.parse().unwrap(),
            any: vec!["finance".to_owned(), "audit".to_owned()],
        };
        assert_eq!(holds(&condition, &claims), expected);
    }
}
