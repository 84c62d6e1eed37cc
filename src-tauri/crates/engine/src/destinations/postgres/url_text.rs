//! How an address of a database is spelled: taken apart into its words, and put together again without its password.
//! Nothing that is refused is quoted, since a password may stand anywhere in it.

use percent_encoding::percent_decode_str;

use super::url::{BadPostgresUrl, bad};
use crate::secret::SecretString;

/// A word that an option is called by.
pub(super) type Word = String;

/// An address, taken apart.
pub(super) struct Spelled {
    /// What stands before the options: `postgres://user@host:port/database`, or nothing.
    head: String,
    /// The options but the password, each as it is meant and as it was written.
    options: Vec<SpelledOption>,
    password: Option<SecretString>,
}

struct SpelledOption {
    word: Word,
    value: String,
    written: String,
}

impl Spelled {
    /// Reads either form.
    pub(super) fn read(text: &str) -> Result<Self, BadPostgresUrl> {
        let rest = ["postgres://", "postgresql://"].into_iter().find_map(|it| Some((it, text.strip_prefix(it)?)));
        match rest {
            Some((scheme, rest)) => Self::read_url(scheme, rest),
            None if text.contains("://") => Err(bad("it begins with another word than postgres:// or postgresql://")),
            None if !text.contains('=') => Err(bad("it is neither a URL nor words such as host=db")),
            None => Self::read_words(text),
        }
    }

    fn read_url(scheme: &str, rest: &str) -> Result<Self, BadPostgresUrl> {
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // Read one way by one library and another way by the next; what is shown must never depend on that.
        if tail.contains('@') || authority.matches('@').count() > 1 {
            return Err(bad("in a user, a password or an option, @ is written as %40, / as %2F and ? as %3F"));
        }
        let (user, password, hosts) = match authority.rsplit_once('@') {
            None => (None, None, authority),
            Some((credentials, hosts)) => match credentials.split_once(':') {
                None => (Some(credentials), None, hosts),
                Some((user, password)) => (Some(user), Some(decoded(password)?), hosts),
            },
        };
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        let mut spelled = Self { head: format!("{scheme}{user}{hosts}{path}"), options: Vec::new(), password: None };
        spelled.take_password(password.unwrap_or_default());
        for written in query.split('&').filter(|it| !it.is_empty()) {
            let (word, value) = written.split_once('=').ok_or_else(|| bad("one of its options has no ="))?;
            spelled.take(decoded(word)?, decoded(value)?, written.to_owned());
        }
        Ok(spelled)
    }

    /// libpq's `conninfo_parse`: blanks around the `=` are fine, quotes go around the whole value, a backslash takes the
    /// next character as it is.
    fn read_words(text: &str) -> Result<Self, BadPostgresUrl> {
        let mut spelled = Self { head: String::new(), options: Vec::new(), password: None };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (word, after) = rest.split_once('=').ok_or_else(|| bad("one of its words has no ="))?;
            let word = word.trim_end();
            if word.is_empty() || word.contains(char::is_whitespace) {
                return Err(bad("one of its words has no =, or a value with a blank is not in quotes"));
            }
            let (value, after) = value(after.trim_start())?;
            let written = format!("{word}={}", quoted(&value));
            spelled.take(word.to_owned(), value, written);
            rest = after.trim_start();
        }
        Ok(spelled)
    }

    fn take(&mut self, word: Word, value: String, written: String) {
        if word == "password" {
            self.take_password(value);
        } else {
            self.options.push(SpelledOption { word, value, written });
        }
    }

    /// An empty one is none, as for libpq. The last one counts.
    fn take_password(&mut self, password: String) {
        if !password.is_empty() {
            self.password = Some(SecretString::new(password));
        }
    }

    /// The options, each by its word and with its value.
    pub(super) fn words(&self) -> impl Iterator<Item = (&Word, &str)> {
        self.options.iter().map(|option| (&option.word, &*option.value))
    }

    /// Without the password, as it was written.
    pub(super) fn shown(&self) -> String {
        self.together(|_| true)
    }

    /// Without the password, with those options alone.
    pub(super) fn for_tokio(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        self.together(is_wanted)
    }

    pub(super) fn into_password(self) -> Option<SecretString> {
        self.password
    }

    fn together(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        let options = self.options.iter().filter(|option| is_wanted(&option.word));
        let written: Vec<_> = options.map(|option| &*option.written).collect();
        match (self.head.is_empty(), written.is_empty()) {
            (true, _) => written.join(" "),
            (false, true) => self.head.clone(),
            (false, false) => format!("{}?{}", self.head, written.join("&")),
        }
    }
}

fn decoded(text: &str) -> Result<String, BadPostgresUrl> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| bad("something in it is no UTF-8"))?;
    Ok(text.into_owned())
}

/// A value and what comes after it.
fn value(text: &str) -> Result<(String, &str), BadPostgresUrl> {
    let is_quoted = text.starts_with('\'');
    let (mut value, mut letters) = (String::new(), text.char_indices().skip(usize::from(is_quoted)));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' if is_quoted => {
                let after = text.get(at + 1..).unwrap_or_default();
                if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                    return Err(bad("something follows a closing quote"));
                }
                return Ok((value, after));
            }
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            blank if !is_quoted && blank.is_whitespace() => return Ok((value, text.get(at..).unwrap_or_default())),
            letter => value.push(letter),
        }
    }
    if is_quoted { Err(bad("a quote is not closed")) } else { Ok((value, "")) }
}

fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '\'' || c == '\\');
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")) }
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
