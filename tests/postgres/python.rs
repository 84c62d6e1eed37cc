//! Python's `cryptography`, with which the table's readers work: it reads what we wrote, and we what it wrote.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::scene::{ENDS, deliver, prepared, row, seen};

/// Runs a line of Python with the key on its standard input, and gives what it prints.
fn python(line: &str, key: &str, input: &str) -> String {
    let program = format!(
        "import sys\nfrom cryptography.fernet import Fernet\nfernet = Fernet(sys.stdin.readline().strip().encode())\n\
         text = sys.stdin.read().encode()\nprint({line})"
    );
    // Debian's own, as its package of `cryptography` goes with it.
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is no Python. Run `setup/install postgres`, or `make test`.");
    child.stdin.take().unwrap().write_all(format!("{key}\n{input}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nIf it lacks `cryptography`, run `setup/install postgres`.");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn python_reads_what_we_wrote_and_we_what_it_wrote() {
    let (cluster, key, postgres) = prepared().await;
    let token = "sk-ant-oat01-canary-Ünïcødé";
    deliver(&postgres, "ada", token).await.unwrap();
    let sealed = cluster.sql(r#"SELECT "access_token_encrypted" FROM "LiteLLM_ClaudeOAuthTokens""#);
    assert_eq!(python("fernet.decrypt(text, ttl=600).decode()", &key, &sealed), token, "with a time to live, too");
    let theirs = python("fernet.encrypt(text).decode()", &key, "theirs");
    let refresh = python("fernet.encrypt(text).decode()", &key, "canary-refresh");
    cluster.sql(&format!(
        r#"UPDATE "LiteLLM_ClaudeOAuthTokens" SET "access_token_encrypted" = '{theirs}',
           "expires_at" = to_timestamp({ENDS}) + interval '0.75 seconds', "created_by" = NULL"#
    ));
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("theirs", ENDS)), "in whole seconds");
    cluster.sql(&format!(r#"UPDATE "LiteLLM_ClaudeOAuthTokens" SET "refresh_token_encrypted" = '{refresh}'"#));
    let there = seen(&postgres, "ada").await.unwrap().unwrap();
    assert!(there.ends_with(r#""refresh_token":"canary-refresh"}"#), "{there}");
    assert_eq!(deliver(&postgres, "ada", "ours").await.unwrap_err().error.code(), "foreign");
}
