//! Files of `NAME=value` lines, such as `.env`: read, and changed so that every byte of others' stays.
//!
//! Their readers agree on little. What several lines say is read as python-dotenv and Node's dotenv do: `export` may stand
//! before a name, a value in quotes may go on over lines, ` #` begins a comment, and any end of line will do. What is
//! written is what they and `docker --env-file`, Compose, systemd and a shell all read alike: plain, without quotes.

use super::dotenv::Variable;
use crate::destinations::{Change, ComposeError};
use crate::secret::{SecretBytes, SecretString};

/// Such a file, as its lines.
pub(super) struct EnvFile<'a>(Vec<Line<'a>>);

/// A line, or several where a value in quotes goes on over them. Its parts, one after the other, are what was read.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Up to the value; all of it but its end where nothing is defined.
    before: &'a [u8],
    /// What is defined, if anything is.
    name: &'a [u8],
    /// As it stands there, in its quotes.
    value: &'a [u8],
    /// A comment, and the blanks before it.
    after: &'a [u8],
    /// Empty where the file ends without one.
    end: &'a [u8],
}

impl<'a> EnvFile<'a> {
    /// Reads a file. None and an empty one are the same.
    ///
    /// # Errors
    /// [`ComposeError::NotUnderstood`] for what is no text, or of two bytes a character as PowerShell writes it.
    pub(super) fn read(existing: Option<&'a [u8]>) -> Result<Self, ComposeError> {
        let mut rest = existing.unwrap_or_default();
        if rest.contains(&0) {
            return Err(ComposeError::NotUnderstood("it is no text of the kind that such files hold".to_owned()));
        }
        let mut lines = Vec::new();
        while !rest.is_empty() {
            let line = Line::first(rest);
            rest = rest.get(line.len()..).unwrap_or_default();
            lines.push(line);
        }
        Ok(Self(lines))
    }

    /// Every value that is given to a name, in order and without its quotes.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = SecretString> {
        let lines = self.0.iter().filter(move |line| line.name == name.as_bytes());
        lines.map(|line| SecretString::new(String::from_utf8_lossy(unquoted(line.value))))
    }

    /// The file with these variables in it: where they are defined already, each time, or else at the end.
    ///
    /// # Errors
    /// [`ComposeError::NotUnderstood`] where a value can't stand without quotes, or what is there is so unclear that
    /// readers would not find it.
    pub(super) fn with(&self, variables: &[Variable]) -> Result<Change, ComposeError> {
        if !variables.iter().all(|variable| is_plain(variable.value.expose())) {
            return Err(ComposeError::NotUnderstood("the token has characters that no such file can hold".to_owned()));
        }
        let mut text = Vec::new();
        for line in &self.0 {
            match variables.iter().find(|variable| line.name == variable.name.as_bytes()) {
                Some(variable) => line.redefined(variable.value.expose(), &mut text),
                None => line.copied(&mut text),
            }
        }
        for Variable { name, value } in variables {
            if !self.0.iter().any(|line| line.name == name.as_bytes()) {
                self.append(&format!("{name}={}", value.expose()), &mut text);
            }
        }
        let is_found = |variable: &Variable, read: &EnvFile<'_>| {
            let mut values = read.values(variable.name).peekable();
            values.peek().is_some() && values.all(|value| value == variable.value)
        };
        let text = SecretBytes::new(text);
        let read = EnvFile::read(Some(text.expose()))?;
        if !variables.iter().all(|variable| is_found(variable, &read)) {
            return Err(ComposeError::NotUnderstood(
                "a quote in it has no partner, so it can't be told where a value ends".to_owned(),
            ));
        }
        Ok(Change::Write(text))
    }

    /// The file without the definitions that `goes` picks by name and value: one that then holds nothing goes.
    pub(super) fn without(&self, goes: impl Fn(&str, &SecretString) -> bool) -> Change {
        let goes = |line: &Line<'_>| {
            let name = std::str::from_utf8(line.name).ok().filter(|name| !name.is_empty());
            name.is_some_and(|name| goes(name, &SecretString::new(String::from_utf8_lossy(unquoted(line.value)))))
        };
        let (gone, left): (Vec<&Line<'_>>, Vec<&Line<'_>>) = self.0.iter().partition(|line| goes(line));
        if gone.is_empty() {
            return Change::Keep;
        }
        let mut text = Vec::new();
        for line in &left {
            line.copied(&mut text);
        }
        // It had no end of line at its end before we came, either.
        if self.0.last().is_some_and(|last| last.end.is_empty() && goes(last)) {
            let end = left.last().map_or(0, |line| line.end.len());
            text.truncate(text.len().saturating_sub(end));
        }
        if text.is_empty() { Change::Remove } else { Change::Write(SecretBytes::new(text)) }
    }

    /// Adds a line as the file has them: with its end of line, and at its end with one or without.
    fn append(&self, line: &str, text: &mut Vec<u8>) {
        let end = self.0.first().map(|line| line.end).filter(|end| !end.is_empty()).unwrap_or(b"\n");
        let ends_in_one = self.0.last().is_none_or(|last| !last.end.is_empty());
        if !ends_in_one {
            text.extend_from_slice(end);
        }
        text.extend_from_slice(line.as_bytes());
        if ends_in_one {
            text.extend_from_slice(end);
        }
    }
}

impl<'a> Line<'a> {
    /// The first line of a text that isn't empty.
    fn first(text: &'a [u8]) -> Self {
        let (line, _) = text.split_at(length(text, |byte| !matches!(byte, b'\n' | b'\r')));
        let Some((name, before)) = definition(line) else {
            return Self { before: line, name: &[], value: &[], after: &[], end: end(text, line.len()) };
        };
        let (before, rest) = text.split_at(before);
        let value = quoted(rest).unwrap_or_else(|| unquoted_length(rest));
        let (value, rest) = rest.split_at(value);
        let (after, rest) = rest.split_at(length(rest, |byte| !matches!(byte, b'\n' | b'\r')));
        Self { before, name, value, after, end: end(rest, 0) }
    }

    fn len(&self) -> usize {
        self.before.len() + self.value.len() + self.after.len() + self.end.len()
    }

    fn copied(&self, text: &mut Vec<u8>) {
        for part in [self.before, self.value, self.after, self.end] {
            text.extend_from_slice(part);
        }
    }

    fn redefined(&self, value: &str, text: &mut Vec<u8>) {
        text.extend_from_slice(self.before);
        text.extend_from_slice(value.as_bytes());
        if self.after.starts_with(b"#") {
            text.push(b' ');
        }
        text.extend_from_slice(self.after);
        text.extend_from_slice(self.end);
    }
}

/// The name that a line defines, and how many bytes stand before the value.
fn definition(line: &[u8]) -> Option<(&[u8], usize)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let mut rest = line.trim_ascii_start();
    if let Some(exported) = rest.strip_prefix(b"export")
        && exported.first().copied().is_some_and(is_blank)
    {
        rest = exported.trim_ascii_start();
    }
    let (name, rest) = rest.split_at(length(rest, is_name));
    let value = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    (!name.is_empty()).then_some((name, line.len() - value.len()))
}

/// How long the value in quotes is that the text begins with, if it does: to the partner of its quote, behind which only a
/// comment may stand.
fn quoted(text: &[u8]) -> Option<usize> {
    let quote = text.first().copied().filter(|byte| b"\"'`".contains(byte))?;
    let mut after_backslash = false;
    let mut possible = None;
    for (at, byte) in text.iter().copied().enumerate().skip(1) {
        if byte == quote {
            let rest = text.get(at + 1..).unwrap_or_default();
            let is_last = matches!(rest.get(length(rest, is_blank)), None | Some(b'\n' | b'\r' | b'#'));
            match (is_last, after_backslash) {
                (true, false) => return Some(at + 1),
                (false, false) => return possible,
                // A backslash, and the end: where no other end comes.
                (true, true) => possible = possible.or(Some(at + 1)),
                (false, true) => {}
            }
        }
        after_backslash = byte == b'\\' && !after_backslash;
    }
    possible
}

/// How long a value without quotes is: to the end of its line or to a comment, less the blanks there.
fn unquoted_length(text: &[u8]) -> usize {
    let (line, _) = text.split_at(length(text, |byte| !matches!(byte, b'\n' | b'\r')));
    let mut is_after_blank = true;
    let comment = line.iter().position(|byte| {
        let begins = is_after_blank && *byte == b'#';
        is_after_blank = is_blank(*byte);
        begins
    });
    let (value, _) = line.split_at(comment.unwrap_or(line.len()));
    value.trim_ascii_end().len()
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [first @ (b'"' | b'\'' | b'`'), inner @ .., last] if first == last => inner,
        _ => value,
    }
}

/// The end of line at this place, if one is there.
fn end(text: &[u8], at: usize) -> &[u8] {
    let rest = text.get(at..).unwrap_or_default();
    let length = if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) };
    rest.get(..length).unwrap_or_default()
}

/// How many bytes at the beginning are such.
fn length(text: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_such(*byte)).unwrap_or(text.len())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether every reader takes a value for what it is, without quotes: what RFC 6750 section 2.1 has tokens made of, less
/// the tilde, which a shell may take for a folder.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._+/=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "OURS";

    fn ours() -> Vec<Variable> {
        vec![Variable { name: NAME, value: SecretString::new("new") }]
    }

    fn with(text: &[u8]) -> Result<String, ComposeError> {
        match EnvFile::read(Some(text))?.with(&ours())? {
            Change::Write(content) => Ok(String::from_utf8_lossy(content.expose()).into_owned()),
            other => panic!("not written: {other:?}"),
        }
    }

    fn values(text: &str) -> Vec<String> {
        EnvFile::read(Some(text.as_bytes())).unwrap().values(NAME).map(|value| value.expose().to_owned()).collect()
    }

    #[test]
    fn a_definition_is_known_as_its_readers_know_it() {
        for (text, expected) in [
            ("OURS=a", &["a"][..]),
            ("OURS=a # b", &["a"]),
            ("OURS=a#b", &["a#b"]),
            ("OURS=", &[""]),
            ("OURS= # b", &[""]),
            ("OURS= 'a b' # c", &["a b"]),
            ("  export\tOURS = \"a\"  ", &["a"]),
            ("OURS=a\r\nOURS=b\rOURS=c\n", &["a", "b", "c"]),
            ("OURS='a\nOURS=b'\nOURS=`c`", &["a\nOURS=b", "c"]),
            (r#"OURS="a\"b""#, &[r#"a\"b"#]),
            ("OURS='C:\\'\nA=1", &["C:\\"]),
            ("OURS=\"a", &["\"a"]),
            ("OURS=\"a\" b", &["\"a\" b"]),
            ("A=\"\nOURS=a", &["a"]),
            ("A=it's\nOURS=a\nB=it's", &["a"]),
            ("# OURS=a", &[]),
            ("exportOURS=a\nOURS\nOURSELVES=a\nA=OURS=a", &[]),
            ("A='\nOURS=a\n'", &[]),
        ] {
            assert_eq!(values(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_definition_is_replaced_where_it_stands() {
        for (text, expected) in [
            ("", "OURS=new\n"),
            ("A=1\n", "A=1\nOURS=new\n"),
            ("A=1\r\n", "A=1\r\nOURS=new\r\n"),
            ("A=1", "A=1\nOURS=new"),
            ("A=1\r\nB=2", "A=1\r\nB=2\r\nOURS=new"),
            ("OURS=a\nA=1\nOURS=b", "OURS=new\nA=1\nOURS=new"),
            ("\texport OURS='a\nb'\t# mine\r\nA=1", "\texport OURS=new\t# mine\r\nA=1"),
            ("OURS='a'#b", "OURS=new #b"),
            ("OURS=#b", "OURS=new #b"),
            ("# OURS=a\n", "# OURS=a\nOURS=new\n"),
        ] {
            assert_eq!(with(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_unclear_is_left_alone() {
        for text in [&b"O\0U\0R\0S\0=\0a\0"[..], b"A=\"x\nOURS=\"old\"\nB=\""] {
            with(text).unwrap_err();
        }
        for value in ["a b", "$a", "a\nb", "~a", "\"", "a#"] {
            let variables = [Variable { name: NAME, value: SecretString::new(value) }];
            EnvFile::read(None).unwrap().with(&variables).unwrap_err();
        }
    }

    #[test]
    fn what_was_added_goes_again_with_its_end_of_line() {
        for (text, expected) in [
            ("A=1\nOURS=a\n", Some("A=1\n")),
            ("A=1\nOURS=a", Some("A=1")),
            ("OURS=a\nA=1", Some("A=1")),
            ("A=1\r\nOURS=a\r\nOURS=b", Some("A=1")),
            ("OURS=a\nOURS=b\n", None),
            ("OURS=a", None),
        ] {
            let change = EnvFile::read(Some(text.as_bytes())).unwrap().without(|name, _| name == NAME);
            match (change, expected) {
                (Change::Write(left), Some(expected)) => assert_eq!(left.expose(), expected.as_bytes(), "{text:?}"),
                (Change::Remove, None) => {}
                (other, _) => panic!("{text:?}: {other:?}"),
            }
        }
        assert!(matches!(EnvFile::read(Some(b"A=1")).unwrap().without(|name, _| name == NAME), Change::Keep));
    }

    /// Texts of the characters that matter here, and of others.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(b"OURS=".to_vec()),
            Just(b"OURS=\"old\"".to_vec()),
            Just(b"export ".to_vec()),
            Just(b"\r\n".to_vec()),
            "[A#=\"'` \t\n\r\\\\]".prop_map(String::into_bytes),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn what_is_read_is_copied_byte_for_byte(text in text()) {
            if let Ok(file) = EnvFile::read(Some(&text)) {
                let mut copy = Vec::new();
                for line in &file.0 {
                    line.copied(&mut copy);
                }
                prop_assert_eq!(copy, text);
            }
        }

        #[test]
        fn what_is_written_is_found_and_goes_again(text in text()) {
            let Ok(file) = EnvFile::read(Some(&text)) else { return Ok(()) };
            let Ok(Change::Write(new)) = file.with(&ours()) else { return Ok(()) };
            let read = EnvFile::read(Some(new.expose())).unwrap();
            let found: Vec<_> = read.values(NAME).collect();
            prop_assert!(!found.is_empty() && found.iter().all(|value| value.expose() == "new"));
            let Ok(Change::Write(again)) = read.with(&ours()) else { panic!("not written again") };
            prop_assert_eq!(again.expose(), new.expose());
            let left = match read.without(|name, _| name == NAME) {
                Change::Write(left) => left.expose().to_vec(),
                Change::Remove => Vec::new(),
                other => panic!("kept: {other:?}"),
            };
            if file.values(NAME).next().is_none() {
                prop_assert_eq!(left, text);
            }
        }
    }
}
