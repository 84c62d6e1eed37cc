//! Words that menu and notices share.

use engine::status::AccountStatus;

/// The longest name in a line, in characters: a menu as wide as the screen helps nobody.
const LONGEST: usize = 48;

/// Who an account is: the person's address, with the account's own name where it says more.
pub(crate) fn who(account: &AccountStatus) -> String {
    let name = account.name.as_str();
    match account.identity.email.as_deref().filter(|email| *email != name) {
        Some(email) if name == engine::account::AccountName::DEFAULT => short(email),
        Some(email) => format!("{} ({})", short(name), short(email)),
        None => short(name),
    }
}

/// Not longer than fits in a line.
pub(crate) fn short(text: &str) -> String {
    let mut rest = text.chars();
    let first: String = rest.by_ref().take(LONGEST).collect();
    if rest.next().is_none() { first } else { format!("{}…", first.trim_end()) }
}

/// So many of them, by a word that takes an `s`.
pub(crate) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// A few names in a row.
pub(crate) fn names(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => short(only),
        [first, second] => format!("{} and {}", short(first), short(second)),
        [first, others @ ..] => format!("{} and {} others", short(first), others.len()),
    }
}

/// Where markup is read: in the text of tooltips, and of some servers' notices.
#[cfg(target_os = "linux")]
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
