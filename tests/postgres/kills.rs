//! Something is killed amid a transaction: this program, its session, or the server. The old row stays, whole.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bed::Cluster;
use engine::destinations::NextStep;

use crate::scene::{ENDS, database, deliver, key, prepared, row, seen};

/// Tells this test program to deliver: an address, a key and a token.
const STEP: &str = "TOKENFERRY_TEST_STEP";
/// The longest that the server may take to reach the point at which it is killed.
const REACHED: Duration = Duration::from_secs(20);

/// Every change of a row takes this long once it is made, and before it is kept.
const SLOW: &str = r#"
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
    CREATE TRIGGER linger AFTER UPDATE ON "LiteLLM_ClaudeOAuthTokens" FOR EACH ROW EXECUTE FUNCTION linger()"#;

#[test]
fn child() {
    let Ok(step) = std::env::var(STEP) else { return };
    let mut words = step.split(' ');
    let mut word = || words.next().unwrap().to_owned();
    let (url, key_text, token) = (word(), word(), word());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(deliver(&database(&url).with_key(key(&key_text)), "ada", &token)).unwrap();
}

/// Delivers in a process of its own.
fn delivering(cluster: &Cluster, key: &str, token: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child"])
        .env(STEP, format!("{} {key} {token}", cluster.by_socket()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until a session has changed the row and not kept the change yet.
async fn wait_until_it_is_amid(cluster: &Cluster) {
    let begun = Instant::now();
    while cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != "1" {
        assert!(begun.elapsed() < REACHED, "nobody changed the row");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_delivery_that_is_killed_leaves_the_old_row() {
    let (cluster, key, postgres) = prepared().await;
    deliver(&postgres, "ada", "old").await.unwrap();
    cluster.sql(SLOW);
    let mut child = delivering(&cluster, &key, "new");
    wait_until_it_is_amid(&cluster).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("old", ENDS)));
    // The next one waits for the server to notice, and then writes; what was begun is never kept.
    let begun = Instant::now();
    while let Err(undelivered) = deliver(&postgres, "ada", "next").await {
        assert_eq!(undelivered.error.code(), "postgres_row_locked", "{}", undelivered.error);
        assert!(begun.elapsed() < REACHED, "the row stayed locked");
    }
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("next", ENDS)));
    let count = cluster.sql(r#"SELECT "refresh_count" FROM "LiteLLM_ClaudeOAuthTokens""#);
    assert_eq!(count, "1", "what was killed is not counted");
}

#[tokio::test]
async fn a_delivery_that_is_not_killed_arrives_by_the_same_way() {
    let (cluster, key, postgres) = prepared().await;
    deliver(&postgres, "ada", "old").await.unwrap();
    assert!(delivering(&cluster, &key, "new").wait().unwrap().success());
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("new", ENDS)));
}

#[tokio::test]
async fn a_session_or_a_server_that_is_ended_is_told_and_the_old_row_stays() {
    let (mut cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "old").await.unwrap();
    cluster.sql(SLOW);
    let ending = async {
        wait_until_it_is_amid(&cluster).await;
        let end = "RESET ROLE; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        cluster.sql(end);
    };
    let (undelivered, ()) = tokio::join!(deliver(&postgres, "ada", "new"), ending);
    let undelivered = undelivered.unwrap_err();
    assert_eq!(undelivered.error.next(), NextStep::TryAgain, "{:?}", undelivered.error);
    assert!(undelivered.uncertain.is_empty(), "it was never to be kept");
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("old", ENDS)));

    let task = tokio::spawn({
        let postgres = postgres.clone();
        async move { deliver(&postgres, "ada", "new").await }
    });
    wait_until_it_is_amid(&cluster).await;
    cluster.stop();
    let undelivered = task.await.unwrap().unwrap_err();
    assert_eq!(undelivered.error.next(), NextStep::TryAgain, "{:?}", undelivered.error);
    cluster.restart_with("");
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("old", ENDS)));
}
