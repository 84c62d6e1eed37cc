//! Neither a password nor a token nor a key is in any error, any `Debug`, any log of ours at its most talkative, or the
//! server's log at its most talkative; nor is a token in the database's files.

use std::io;
use std::sync::{Arc, Mutex};

use bed::Canary;
use bed::postgres::PASSWORD;
use engine::destinations::postgres::{EncryptionKey, PostgresUrl};
use engine::secret::SecretString;

use crate::scene::{database, deliver, key, key_text, prepared, seen};

const TOKEN: &str = "sk-ant-oat01-canary-token-of-ada";
const OTHER: &str = "sk-ant-oat01-canary-token-of-bob";

/// All that was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_shows_a_password_a_token_or_a_key() {
    let logged = Logged::default();
    let to = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || to.clone());
    // tokio-postgres logs by `log`, which this takes in too.
    subscriber.init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tell_all(&logged));
}

async fn tell_all(logged: &Logged) {
    let (mut cluster, text, _) = prepared().await;
    cluster.restart_with("log_statement = all\nlog_min_messages = debug1\nlog_parameter_max_length_on_error = -1\n");
    let url: PostgresUrl = cluster.by_port().parse().unwrap();
    let postgres = database(&cluster.by_port()).with_key(key(&text));
    let mut told = format!("{url} {url:?} {postgres:?} {:?}", url.without_password());
    let mut tell = |what: String| told.push_str(&what);
    for (user, token) in [("ada", TOKEN), ("bob", OTHER), ("ada", OTHER), ("nobody", TOKEN)] {
        tell(format!("{:?}", deliver(&postgres, user, token).await));
    }
    seen(&postgres, "ada").await.unwrap();
    let stranger = database(&cluster.by_port()).with_key(key(&key_text()));
    tell(format!("{:?}", deliver(&stranger, "ada", TOKEN).await));
    cluster.sql(r#"ALTER TABLE "LiteLLM_ClaudeOAuthTokens" ADD CHECK ("refresh_count" < 1) NOT VALID"#);
    let refused = deliver(&postgres, "bob", TOKEN).await.unwrap_err();
    assert_eq!(refused.error.code(), "postgres_refused", "the server quotes the whole row: {:?}", refused.error);
    tell(format!("{refused:?} {} {}", refused.error, refused.error.fix()));
    let wrong = cluster.by_port().replace(PASSWORD, "canary-another-password");
    let error = database(&wrong).ping().await.unwrap_err();
    tell(format!("{error} {error:?}"));
    for bad in [format!("{}@x", cluster.by_port()), format!("{}?x=y", cluster.by_port())] {
        let error = bad.parse::<PostgresUrl>().unwrap_err();
        tell(format!("{error} {error:?}"));
    }
    let error = EncryptionKey::parse(&SecretString::new(format!("{text}{text}"))).unwrap_err();
    tell(format!("{error} {error:?} {}", error.fix()));
    cluster.sql("RESET ROLE; CHECKPOINT");

    let secrets = [PASSWORD, "canary-another-password", TOKEN, OTHER, &text].map(str::to_owned);
    let mut canary = Canary::new(secrets);
    let log = logged.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&log).contains("tokio_postgres"), "its log was not heard");
    canary.look("what was told", told.as_bytes()).look("our log", &log);
    let server = cluster.log();
    // The server logs the statement that made the role, before the lines above were set; delivery's begin after it.
    canary.look("the server's log", server.as_bytes());
    assert!(server.contains("LiteLLM_ClaudeOAuthTokens"), "its log was not heard");
    canary.assert_unseen();
    // In the files lies what is encrypted, and the password's hash.
    let mut files = Canary::new([TOKEN, OTHER, PASSWORD].map(str::to_owned));
    files.look_below(&cluster.socket().join("data/base"));
    assert!(files.bytes() > 1_000_000, "the database's files were not looked through");
    files.assert_unseen();
}
