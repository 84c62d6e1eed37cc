//! Who asks: a person who came in by a link and shows a cookie, or a program that shows a grant. Being on this machine is
//! not enough: so is every page in the browser, and every other user.

use std::net::IpAddr;
use std::sync::Arc;

use engine::Engine;
use engine::account::AccountName;
use engine::grants::{Key, Scope};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use subtle::ConstantTimeEq;

use crate::api::Problem;
use crate::machines::{Machine, Machines};

/// The header in which the page shows that a change is its own.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// The cookie's name.
const NAME: &str = "tokenferry";
/// Its life in the browser; the session's own end is the engine's to hold.
const MAX_AGE: u32 = 7 * 24 * 3600;

/// Who asks.
#[derive(Debug)]
pub(crate) enum Caller {
    /// Somebody who came in by a link.
    Person(Person),
    /// A program with a grant.
    Machine(Arc<Machine>),
}

/// A person's session.
#[derive(Debug)]
pub(crate) struct Person {
    session: Key,
    /// Whether the request showed the session's other secret.
    own: bool,
}

impl Person {
    /// The session's key.
    pub(crate) fn session(&self) -> &Key {
        &self.session
    }

    /// Whether the session goes on.
    pub(crate) fn is_in(&self, engine: &Engine) -> bool {
        engine.session(self.session.show().expose()).is_ok_and(|session| session.is_some())
    }

    /// Refuses a change that another page may have had the browser ask for.
    pub(crate) fn changes(&self) -> Result<(), Problem> {
        if self.own { Ok(()) } else { Err(Problem::no_csrf_token()) }
    }
}

impl Caller {
    /// Finds out who asks.
    pub(crate) fn of(
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        machines: &Machines,
        engine: &Engine,
    ) -> Result<Self, Problem> {
        if headers.contains_key(AUTHORIZATION) {
            return machines.admit(headers, peer, engine.now()).map(Self::Machine);
        }
        Self::person(headers, engine)?.map(Self::Person).ok_or_else(Problem::not_let_in)
    }

    /// The person who asks, if one does.
    pub(crate) fn person(headers: &HeaderMap, engine: &Engine) -> Result<Option<Person>, Problem> {
        for shown in sessions(headers) {
            if let Some(session) = engine.session(shown).map_err(Problem::from)? {
                let own = headers
                    .get(&CSRF)
                    .is_some_and(|token| token.as_bytes().ct_eq(session.beside().expose().as_bytes()).into());
                return Ok(Some(Person { session, own }));
            }
        }
        Ok(None)
    }

    /// Whether this caller may do what needs this scope. A change by a person needs the page's own word.
    pub(crate) fn may(&self, scope: Scope) -> Result<(), Problem> {
        match self {
            Self::Person(person) if scope == Scope::SignIn => person.changes(),
            // Tokens are for programs: a page has no use for one.
            Self::Person(_) if scope == Scope::Token => Err(Problem::out_of_scope(scope)),
            Self::Person(_) => Ok(()),
            Self::Machine(machine) => machine.may(scope),
        }
    }

    /// The account that is meant. A grant's is its own alone.
    pub(crate) fn account(&self, engine: &Engine, named: Option<AccountName>) -> Result<AccountName, Problem> {
        match self {
            Self::Person(_) => engine.account(named).map_err(Problem::from),
            Self::Machine(machine) => machine.account(named.as_ref()).cloned(),
        }
    }

    /// As [`Self::account`], where it may be new.
    pub(crate) fn new_account(&self, engine: &Engine, named: Option<AccountName>) -> Result<AccountName, Problem> {
        match self.account(engine, named) {
            Err(problem) if problem.code == "signed_out" => Ok(AccountName::default()),
            found => found,
        }
    }

    /// Whether this account's things are shown to this caller.
    pub(crate) fn sees(&self, account: &str) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Machine(machine) => machine.grant().account.as_str() == account,
        }
    }
}

/// The sessions in the request's cookies. A browser may send several of the same name, where another server on this host
/// has set one.
fn sessions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    /// More are none of ours.
    const MOST: usize = 8;
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == NAME);
    named.map(|(_, value)| value).take(MOST)
}

/// What sets the session's cookie. No script can read it, and no other site can have it sent.
pub(crate) fn cookie(session: &Key, path: &str, is_secure: bool) -> Option<HeaderValue> {
    let secure = if is_secure { "; Secure" } else { "" };
    let path = if path.is_empty() { "/" } else { path };
    let text = format!(
        "{NAME}={}; Path={path}; Max-Age={MAX_AGE}; HttpOnly; SameSite=Strict{secure}",
        session.show().expose()
    );
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What takes the cookie back.
pub(crate) fn no_cookie(path: &str) -> Option<HeaderValue> {
    let path = if path.is_empty() { "/" } else { path };
    HeaderValue::try_from(format!("{NAME}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Strict")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::grants::KeyKind;

    #[test]
    fn no_script_and_no_other_site_has_the_cookie() {
        let key = Key::new(KeyKind::Session).unwrap();
        let value = cookie(&key, "", false).unwrap();
        let text = value.to_str().unwrap();
        assert!(
            text.contains("; Path=/; ") && text.contains("; HttpOnly") && text.contains("; SameSite=Strict"),
            "{text}"
        );
        assert!(!text.contains("Secure") && value.is_sensitive());
        let value = cookie(&key, "/auth", true).unwrap();
        assert!(value.to_str().unwrap().ends_with("; Secure") && value.to_str().unwrap().contains("Path=/auth;"));
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("theme=dark; tokenferry=one;tokenferry=two"));
        headers.append(COOKIE, HeaderValue::from_static("xtokenferry=three; tokenferry=four"));
        assert_eq!(sessions(&headers).collect::<Vec<_>>(), ["one", "two", "four"]);
    }
}
