//! The practice app: plays an application in a container that reads Claude Code's credentials. One file, the standard
//! library alone, so that it can be compiled into one static program.
//!
//! - `app ask --credentials PATH --url URL` asks the API once with the file's access token, and prints the answer or
//!   the refusal. It ends with 0 for an answer, 2 for wrong usage, 3 where the file holds no sign-in, 4 where the API
//!   refuses the token, 5 where it says anything else, and 6 where it does not answer.
//! - `app keep-asking --credentials PATH --url URL --every-ms N` reads the file before each request, as Claude Code
//!   does, and prints a line whenever the outcome changes. It ends when it is told to.
//! - `app hammer --file PATH --uid U --gid G --mode 600 [--seconds N] [--until-file PATH] [--threads N]` reads the file
//!   as fast as it can, until the time is over or the other file is there, and prints as JSON how often it was not
//!   whole and as it should be. It says `reading` on standard error when it has begun.
//! - `app blank --credentials PATH` blanks the file's sign-in as Claude Code does when its renewal is refused: a temporary
//!   file beside it, renamed over it.
//! - `app first-look --file PATH` reads a file before it does anything else, and says whether it was there. It ends with
//!   0 where it was, and with 3 where it wasn't.
//! - `app sleep [--seconds N]` does nothing, without end where no end is named.
//!
//! It never prints a token.

#![cfg(unix)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this program is for")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env,
    ffi::c_int,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    process::ExitCode,
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// For each read and write to the API: far longer than a practice provider takes that is not asked to be slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks for the file that ends the hammering, and thereby how late its end may be noticed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `hammer` ends by itself after this, so that a test that died does not leave it running.
const LONGEST_HAMMERING_SECONDS: u64 = 600;

/// A file of credentials is nested three deep; whoever nests deeper means harm to the stack.
const DEEPEST: u32 = 32;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    if command == "first-look" {
        return first_look(arguments);
    }
    end_when_told();
    match Flags::read(arguments).and_then(|flags| run(&command, &flags)) {
        Ok(code) => ExitCode::from(code),
        Err(complaint) => {
            eprintln!("practice app: {complaint}");
            ExitCode::from(2)
        }
    }
}

/// Ends at SIGTERM. The first process of a container is spared the signals that it has no handler for, so `docker stop`
/// would wait its 10 seconds for nothing.
#[allow(unsafe_code, reason = "the standard library has no way to handle a signal")]
fn end_when_told() {
    const SIGTERM: c_int = 15;

    unsafe extern "C" {
        fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
        safe fn _exit(status: c_int) -> !;
    }

    /// Does nothing but what signal-safety(7) allows.
    extern "C" fn end(number: c_int) {
        _exit(128 + number)
    }

    // SAFETY: these are the C library's own declarations, and the handler touches nothing that a thread may hold.
    unsafe { signal(SIGTERM, end) };
}

/// Apart from the other commands, so that nothing comes before the look.
fn first_look(arguments: impl Iterator<Item = String>) -> ExitCode {
    match arguments.last().map(fs::read) {
        Some(Ok(content)) => {
            println!("found {} bytes", content.len());
            ExitCode::SUCCESS
        }
        Some(Err(error)) => {
            println!("found nothing ({error})");
            ExitCode::from(3)
        }
        None => ExitCode::from(2),
    }
}

fn run(command: &str, flags: &Flags) -> Result<u8, String> {
    match command {
        "ask" => {
            let outcome = ask(Path::new(flags.text("credentials")?), flags.text("url")?);
            println!("{}", outcome.sentence());
            Ok(outcome.exit_code())
        }
        "keep-asking" => {
            let (credentials, url) = (Path::new(flags.text("credentials")?), flags.text("url")?);
            let every = Duration::from_millis(flags.number("every-ms")?);
            let mut last = String::new();
            loop {
                let sentence = ask(credentials, url).sentence();
                if sentence != last {
                    println!("{sentence}");
                    last = sentence;
                }
                thread::sleep(every);
            }
        }
        "hammer" => {
            println!("{}", hammer(flags)?);
            Ok(0)
        }
        "blank" => {
            blank(Path::new(flags.text("credentials")?))
                .map_err(|error| format!("the file can't be blanked: {error}"))?;
            Ok(0)
        }
        "sleep" => {
            thread::sleep(Duration::from_secs(flags.number_or("seconds", u64::MAX)?));
            Ok(0)
        }
        _ => Err("say ask, keep-asking, hammer, blank, first-look or sleep".to_owned()),
    }
}

/// The arguments, which all are `--name value`.
struct Flags(BTreeMap<String, String>);

impl Flags {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = BTreeMap::new();
        while let Some(flag) = arguments.next() {
            let name = flag.strip_prefix("--").ok_or_else(|| format!("{flag} is not a --flag"))?;
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            flags.insert(name.to_owned(), value);
        }
        Ok(Self(flags))
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
    }

    fn number<N: FromStr>(&self, name: &str) -> Result<N, String> {
        self.text(name)?.parse().map_err(|_| format!("--{name} is not a number"))
    }

    fn number_or<N: FromStr>(&self, name: &str, default: N) -> Result<N, String> {
        if self.0.contains_key(name) { self.number(name) } else { Ok(default) }
    }
}

/// What became of one request.
#[derive(Debug, PartialEq)]
enum Outcome {
    Answered(String),
    NotLoggedIn(String),
    Refused(String),
    Failed(u16, String),
    Unreachable(String),
}

impl Outcome {
    fn sentence(&self) -> String {
        match self {
            Self::Answered(text) => format!("answered: {text}"),
            Self::NotLoggedIn(why) => format!("not logged in: {why}"),
            Self::Refused(why) => format!("refused: {why}"),
            Self::Failed(status, why) => format!("failed with {status}: {why}"),
            Self::Unreachable(why) => format!("no answer: {why}"),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Answered(_) => 0,
            Self::NotLoggedIn(_) => 3,
            Self::Refused(_) => 4,
            Self::Failed(..) => 5,
            Self::Unreachable(_) => 6,
        }
    }
}

fn ask(credentials: &Path, url: &str) -> Outcome {
    let token = match fs::read_to_string(credentials) {
        Ok(text) => access_token(&text),
        Err(error) => Err(format!("the file can't be read ({error})")),
    };
    let answer = match token {
        Ok(token) => post(url, &token),
        Err(why) => return Outcome::NotLoggedIn(why),
    };
    let (status, body) = match answer {
        Ok((status, body)) => (status, Json::parse(&body)),
        Err(error) => return Outcome::Unreachable(error.to_string()),
    };
    let text = |path: &[&str]| body.as_ref().and_then(|body| body.find(path)?.text()).map(str::to_owned);
    match status {
        200 => text(&["content", "0", "text"])
            .map_or_else(|| Outcome::Failed(200, "not a message".to_owned()), Outcome::Answered),
        401 => Outcome::Refused(text(&["error", "message"]).unwrap_or_default()),
        _ => Outcome::Failed(status, text(&["error", "message"]).unwrap_or_default()),
    }
}

/// The access token of a `.credentials.json`, by the least that Claude Code wants to see.
fn access_token(file: &str) -> Result<String, String> {
    let file = Json::parse(file).ok_or("the file is not whole JSON")?;
    let sign_in = file.find(&["claudeAiOauth"]).ok_or("the file has no claudeAiOauth")?;
    let scopes = match sign_in.find(&["scopes"]) {
        Some(Json::List(scopes)) => scopes.as_slice(),
        _ => &[],
    };
    if !scopes.iter().any(|scope| scope.text() == Some("user:inference")) {
        return Err("scopes lack user:inference".to_owned());
    }
    let token = sign_in.find(&["accessToken"]).and_then(Json::text).unwrap_or_default();
    let sound = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(token.to_owned()) } else { Err("accessToken is blank, or no token".to_owned()) }
}

/// Posts a prompt, and gives the status and the body.
fn post(url: &str, token: &str) -> io::Result<(u16, String)> {
    const PROMPT: &str = r#"{"model":"practice","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}"#;
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let authority = authority.ok_or_else(|| io::Error::other("the URL does not begin with http://"))?;
    // A static program can't count on the system's look-up of names.
    let mut stream = TcpStream::connect(authority.replace("localhost:", "127.0.0.1:"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nUser-Agent: practice-app\r\n\
         Authorization: Bearer {token}\r\nanthropic-beta: oauth-2025-04-20\r\nanthropic-version: 2023-06-01\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{PROMPT}",
        PROMPT.len(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let parts = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    });
    parts.ok_or_else(|| io::Error::other("the answer is not HTTP, or is cut"))
}

/// What Claude Code leaves of a sign-in whose refresh token was refused.
fn blank(credentials: &Path) -> io::Result<()> {
    const BLANKED: &str = r#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0,"scopes":[]}}"#;
    let temporary = credentials.with_extension(format!("tmp.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(BLANKED.as_bytes())?;
    file.sync_all()?;
    fs::rename(temporary, credentials)
}

/// What the hammering saw: how often in all, and how often something was wrong.
#[derive(Default)]
struct Seen {
    reads: u64,
    missing: u64,
    unreadable: u64,
    empty: u64,
    torn: u64,
    wrong_owner: u64,
    wrong_mode: u64,
    /// The hash of each content seen, and whether it is whole; looking it up is far cheaper than parsing again.
    contents: HashMap<u64, bool>,
}

/// What the file should look like.
struct Expected<'a> {
    path: &'a Path,
    owner: (u32, u32),
    mode: u32,
}

fn hammer(flags: &Flags) -> Result<String, String> {
    let mode = u32::from_str_radix(flags.text("mode")?, 8).map_err(|_| "--mode is not octal")?;
    let owner = (flags.number("uid")?, flags.number("gid")?);
    let expected = Expected { path: Path::new(flags.text("file")?), owner, mode };
    let until_file = flags.text("until-file").ok().map(Path::new);
    let seconds = flags.number_or("seconds", LONGEST_HAMMERING_SECONDS)?;
    let threads: usize = flags.number_or("threads", 2)?;

    let begun = Instant::now();
    let over = AtomicBool::new(false);
    let seen: Vec<Seen> = thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(|| expected.read_until(&over))).collect();
        eprintln!("reading");
        while begun.elapsed() < Duration::from_secs(seconds) && !until_file.is_some_and(Path::exists) {
            thread::sleep(LOOK_EVERY);
        }
        over.store(true, Ordering::Relaxed);
        readers.into_iter().filter_map(|reader| reader.join().ok()).collect()
    });

    let sum = |count: fn(&Seen) -> u64| seen.iter().map(count).sum::<u64>();
    let distinct: HashSet<u64> = seen.iter().flat_map(|seen| seen.contents.keys().copied()).collect();
    Ok(format!(
        r#"{{"reads":{},"missing":{},"unreadable":{},"empty":{},"torn":{},"wrong_owner":{},"wrong_mode":{},"distinct":{}}}"#,
        sum(|seen| seen.reads),
        sum(|seen| seen.missing),
        sum(|seen| seen.unreadable),
        sum(|seen| seen.empty),
        sum(|seen| seen.torn),
        sum(|seen| seen.wrong_owner),
        sum(|seen| seen.wrong_mode),
        distinct.len(),
    ))
}

impl Expected<'_> {
    fn read_until(&self, over: &AtomicBool) -> Seen {
        let mut seen = Seen::default();
        let mut content = Vec::new();
        loop {
            content.clear();
            self.read_once(&mut seen, &mut content);
            if over.load(Ordering::Relaxed) {
                return seen;
            }
        }
    }

    fn read_once(&self, seen: &mut Seen, content: &mut Vec<u8>) {
        seen.reads += 1;
        let read = fs::File::open(self.path).and_then(|mut file| {
            let metadata = file.metadata()?;
            file.read_to_end(content)?;
            Ok(metadata)
        });
        let metadata = match read {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return seen.missing += 1,
            Err(_) => return seen.unreadable += 1,
        };
        seen.wrong_owner += u64::from((metadata.uid(), metadata.gid()) != self.owner);
        seen.wrong_mode += u64::from(metadata.mode() & 0o7777 != self.mode);
        if content.is_empty() {
            return seen.empty += 1;
        }
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let whole = *seen.contents.entry(hasher.finish()).or_insert_with(|| is_whole(content));
        seen.torn += u64::from(!whole);
    }
}

/// Whether a file of credentials is all there: one JSON object, and nothing after it.
fn is_whole(content: &[u8]) -> bool {
    let text = std::str::from_utf8(content).ok();
    matches!(text.and_then(Json::parse), Some(Json::Object(_)))
}

/// A JSON document, RFC 8259. Numbers, truth values and null are checked and not kept: nobody here asks for them.
#[derive(Debug, PartialEq)]
enum Json {
    Plain,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The document, if `text` is one and nothing else.
    fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text, depth: 0 };
        let document = parser.value()?;
        parser.skip_space();
        parser.rest.is_empty().then_some(document)
    }

    /// The value that a path of names, and of numbers in lists, leads to.
    fn find(&self, path: &[&str]) -> Option<&Self> {
        let Some((step, path)) = path.split_first() else { return Some(self) };
        let next = match self {
            Self::Object(fields) => fields.iter().find(|(name, _)| name == step).map(|(_, value)| value),
            Self::List(items) => items.get(step.parse::<usize>().ok()?),
            Self::Plain | Self::Text(_) => None,
        };
        next?.find(path)
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Goes past `token`, and the space before it, if it comes next.
    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        self.rest.strip_prefix(token).map(|rest| self.rest = rest).is_some()
    }

    fn character(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = self.rest.get(character.len_utf8()..)?;
        Some(character)
    }

    fn value(&mut self) -> Option<Json> {
        if self.takes("{") {
            return self.nested("}", |parser| Some((parser.name()?, parser.value()?))).map(Json::Object);
        }
        if self.takes("[") {
            return self.nested("]", Self::value).map(Json::List);
        }
        if self.takes("\"") {
            return self.string().map(Json::Text);
        }
        if ["true", "false", "null"].iter().any(|word| self.takes(word)) {
            return Some(Json::Plain);
        }
        let end =
            self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        number.parse::<f64>().ok().map(|_| Json::Plain)
    }

    /// Items up to `end`, with commas between them.
    fn nested<T>(&mut self, end: &str, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut items = Vec::new();
        while !(items.is_empty() && self.takes(end)) {
            items.push(item(self)?);
            if self.takes(end) {
                break;
            }
            if !self.takes(",") {
                return None;
            }
        }
        self.depth -= 1;
        Some(items)
    }

    fn name(&mut self) -> Option<String> {
        let name = if self.takes("\"") { self.string()? } else { return None };
        self.takes(":").then_some(name)
    }

    /// A string after its opening quote.
    fn string(&mut self) -> Option<String> {
        let mut string = String::new();
        loop {
            string.push(match self.character()? {
                '"' => return Some(string),
                '\\' => self.escaped()?,
                control if control < ' ' => return None,
                plain => plain,
            });
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.character()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let high = self.code_unit()?;
                let low = if (0xd800..0xdc00).contains(&high) {
                    self.rest = self.rest.strip_prefix("\\u")?;
                    Some(self.code_unit()?)
                } else {
                    None
                };
                char::decode_utf16([high].into_iter().chain(low)).next()?.ok()?
            }
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        })
    }

    fn code_unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        u16::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, access_token, is_whole};

    const FILE: &str = r#"{"claudeAiOauth": {"accessToken": "a-token", "refreshToken": null, "expiresAt": 1.5e12,
        "scopes": ["user:profile", "user:inference"]}, "mcpOAuth": {"\u00e9\ud83d\ude00\n": [[], {}, true]}}"#;

    #[test]
    fn a_file_is_whole_only_to_its_last_byte() {
        assert!(is_whole(FILE.as_bytes()));
        assert!(is_whole(format!("{FILE}\n").as_bytes()));
        for end in 0..FILE.len() {
            assert!(!is_whole(&FILE.as_bytes()[..end]), "cut after {end} bytes");
        }
        for more in ["}", "{}", "x", "\0"] {
            assert!(!is_whole(format!("{FILE}{more}").as_bytes()), "with {more:?} after it");
        }
    }

    #[test]
    fn json_is_read_by_the_rfc() {
        for good in ["{}", " [ ] ", "-0.5E+3", "\"\\\"\\/\"", "null", "[1,[2,{\"a\":3}]]"] {
            assert!(Json::parse(good).is_some(), "{good}");
        }
        let deep = "[".repeat(100_000);
        for bad in
            ["", "{", "[1,]", "[,1]", "{\"a\"}", "{\"a\":1,}", "'a'", "\"\\x\"", "\"\n\"", "nul", "\"\\ud800\"", &deep]
        {
            assert!(Json::parse(bad).is_none(), "{bad}");
        }
        let document = Json::parse(FILE).unwrap();
        assert_eq!(document.find(&["claudeAiOauth", "scopes", "1"]).and_then(Json::text), Some("user:inference"));
        assert!(document.find(&["mcpOAuth", "é😀\n", "2"]).is_some());
    }

    #[test]
    fn a_token_is_taken_as_claude_code_would() {
        assert_eq!(access_token(FILE).as_deref(), Ok("a-token"));
        for (from, to) in
            [("a-token", ""), ("user:inference", "user:other"), ("claudeAiOauth", "another"), ("a-token", "a\\nb")]
        {
            assert!(access_token(&FILE.replacen(from, to, 1)).is_err(), "{from} became {to}");
        }
    }
}
