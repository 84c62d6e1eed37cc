//! What the official CLI has said so far, as lines that may be shown: plain text, the last of it, and nothing that could be a
//! secret (facts: "Its own sign-in, run by another program").

use std::collections::VecDeque;

use anstream::adapter::StripBytes;
use engine::secret::SecretString;
use url::Url;

use crate::address::is_for_the_browser;

/// It says four or five while it signs in.
const LINES: usize = 20;
/// In characters. Its own are shorter, but for the address.
const LONGEST: usize = 300;
/// In bytes. Of a line that doesn't end, no more is kept; an address has its place in it.
const WHOLE: usize = 16 * 1024;
/// In characters. Words are shorter; a code, a verifier and a token are longer.
const SECRET: usize = 24;
/// In place of what is left out.
const GAP: &str = "…";

/// All that it has said, as far as that is kept.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    strip: StripBytes,
    lines: VecDeque<String>,
    /// The line that is not whole yet.
    open: Vec<u8>,
    said: Vec<SecretString>,
    address: Option<Url>,
}

impl Transcript {
    /// It has printed this, which may begin and end within a line, a colour or a letter.
    pub(super) fn hear(&mut self, piece: &[u8]) {
        for byte in self.strip.strip_next(piece).flatten().copied().collect::<Vec<u8>>() {
            match byte {
                b'\n' => self.end_line(),
                _ if self.open.len() < WHOLE => self.open.push(byte),
                _ => {}
            }
        }
    }

    /// It was told this code. On a terminal, the line of its question would end by that.
    pub(super) fn say(&mut self, code: &str) {
        self.said.push(SecretString::new(code));
        self.end_line();
    }

    /// What is printed so far was all of it.
    pub(super) fn end(&mut self) {
        self.end_line();
    }

    /// The address that it asks to be opened, once it has printed all of it.
    pub(super) fn address(&self) -> Option<&Url> {
        self.address.as_ref()
    }

    /// What may be shown of it. Of the line that is not whole yet, only whole words: a part of a secret looks like none.
    pub(super) fn lines(&self) -> Vec<String> {
        let open = String::from_utf8_lossy(&self.open);
        let words = open.rfind(char::is_whitespace).and_then(|end| open.get(..end)).unwrap_or_default();
        let open = self.shown(words);
        self.lines.iter().cloned().chain((!open.is_empty()).then_some(open)).collect()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.open);
        let line = String::from_utf8_lossy(&line);
        if self.address.is_none() {
            self.address = line.split_whitespace().find_map(|word| Url::parse(word).ok().filter(is_for_the_browser));
        }
        let shown = self.shown(&line);
        if !shown.is_empty() {
            self.lines.push_back(shown);
        }
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// A line as it may be shown.
    fn shown(&self, line: &str) -> String {
        // What a terminal would have written over.
        let line = line.trim_end().rsplit('\r').next().unwrap_or_default();
        let mut line: String = line.chars().filter(|it| !it.is_control() || *it == '\t').collect();
        for code in &self.said {
            if !code.expose().is_empty() {
                line = line.replace(code.expose(), GAP);
            }
        }
        let words: Vec<String> = line.split(' ').map(|word| without_secrets(&without_query(word))).collect();
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((end, _)) => line.get(..end).unwrap_or_default().to_owned() + GAP,
            None => line,
        }
    }
}

/// An address without what it carries.
fn without_query(word: &str) -> String {
    match Url::parse(word) {
        Ok(mut url) if url.query().is_some() || url.fragment().is_some() => {
            url.set_query(None);
            url.set_fragment(None);
            format!("{url}?{GAP}")
        }
        _ => word.to_owned(),
    }
}

/// A word without whatever in it could be a secret.
fn without_secrets(word: &str) -> String {
    let is_of_one = |it: char| it.is_ascii_alphanumeric() || "-_+=~".contains(it);
    let could_be_one = |run: &str| run.len() >= SECRET && run.chars().any(|it| it.is_ascii_alphanumeric());
    let runs = word.split_inclusive(|it| !is_of_one(it)).map(|run| {
        let end = run.find(|it| !is_of_one(it)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        format!("{}{after}", if could_be_one(run) { GAP } else { run })
    });
    runs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "sk-ant-oat01-abcdefghijklmnopqrstuvwxyz_0123456789-AbC";

    fn heard(pieces: &[&str]) -> Transcript {
        let mut transcript = Transcript::default();
        for piece in pieces {
            transcript.hear(piece.as_bytes());
        }
        transcript
    }

    #[test]
    fn the_address_is_found_when_it_is_whole() {
        let printed = "Opening browser…\nIf it didn't open, visit: https://claude.com/cai/oauth/authorize?code=true";
        assert_eq!(heard(&[printed]).address(), None, "more of it may come");
        let heard = heard(&[printed, "&state=s\nPaste code here if prompted > "]);
        let address = "https://claude.com/cai/oauth/authorize?code=true&state=s";
        assert_eq!(heard.address().unwrap().as_str(), address);
        assert_eq!(
            heard.lines(),
            [
                "Opening browser…",
                "If it didn't open, visit: https://claude.com/cai/oauth/authorize?…",
                "Paste code here if prompted >"
            ]
        );
    }

    #[test]
    fn other_words_are_no_address() {
        for printed in ["", "\n", "Note: this\n", "http://claude.com/x\n", "file:///etc/passwd\n"] {
            assert_eq!(heard(&[printed]).address(), None, "{printed}");
        }
    }

    #[test]
    fn colours_and_links_of_a_terminal_are_taken_out_wherever_they_are_cut() {
        let printed =
            "\x1b[1mVisit\x1b[0m \x1b]8;;https://evil.example/\x07https://claude.com/x\x1b]8;;\x07 …\x1b[2K\r\n";
        for at in 0..=printed.len() {
            let mut transcript = Transcript::default();
            let (one, other) = printed.as_bytes().split_at(at);
            transcript.hear(one);
            transcript.hear(other);
            assert_eq!(transcript.lines(), ["Visit https://claude.com/x …"], "cut at {at}");
            assert_eq!(transcript.address().unwrap().as_str(), "https://claude.com/x");
        }
    }

    #[test]
    fn what_could_be_a_secret_is_left_out_also_while_it_comes() {
        let printed = format!("Token: {TOKEN}, to use as ACCESS={TOKEN}.\n");
        assert_eq!(heard(&[&printed]).lines(), ["Token: …, to use as ….",]);
        for end in 0..printed.len() {
            let shown = heard(&[&printed[..end]]).lines().join("\n");
            assert!(!shown.contains("sk-ant"), "{shown}");
        }
        let harmless = "Couldn't read /home/ada/.claude/.credentials.json: ------------------------------";
        assert_eq!(heard(&[harmless, "\n"]).lines(), [harmless]);
    }

    #[test]
    fn what_was_pasted_is_not_shown_and_ends_the_line() {
        let mut transcript = heard(&["Paste code > "]);
        transcript.say("short#s");
        transcript.hear(b"Not good: short#s");
        assert_eq!(transcript.lines(), ["Paste code >", "Not good:"]);
        transcript.end();
        assert_eq!(transcript.lines(), ["Paste code >", "Not good: …"]);
    }

    #[test]
    fn it_is_bounded() {
        let mut transcript = Transcript::default();
        transcript.hear(&vec![b'x'; 10 * WHOLE]);
        assert_eq!(transcript.open.len(), WHOLE);
        for number in 0..1000 {
            transcript.hear(format!("\n{number} {}", "word ".repeat(200)).as_bytes());
        }
        transcript.end();
        let lines = transcript.lines();
        assert_eq!(lines.len(), LINES);
        assert!(lines[LINES - 1].starts_with("999 word") && lines[LINES - 1].chars().count() == LONGEST + 1);
    }
}
