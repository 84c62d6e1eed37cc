//! Who is let in, with which password, and what is said where nobody is there, or nobody answers.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use bed::Cluster;
use bed::postgres::{LITELLM, PASSWORD};
use engine::destinations::NextStep;
use engine::destinations::postgres::{Environment, Postgres, PostgresError};
use engine::secret::SecretString;

use crate::scene::{ENDS, deliver, failure, prepared, refusal, row, seen};

/// Longer than any bound of ours, on a machine that is busy.
const GIVEN_UP: Duration = Duration::from_secs(25);

#[tokio::test]
async fn passwords_are_found_where_libpq_finds_them() {
    let cluster = Cluster::start();
    let port = cluster.port();
    let bare = format!("postgres://{LITELLM}@127.0.0.1:{port}/{LITELLM}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgpass");
    let closed = |text: &str, mode| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let ping =
        async |url: &str, environment: Environment| Postgres::new(url.parse().unwrap(), environment).ping().await;
    let none = Environment::default;

    ping(&cluster.by_port(), none()).await.unwrap();
    ping(&format!("host=127.0.0.1 port={port} user={LITELLM} password='{PASSWORD}' dbname={LITELLM}"), none())
        .await
        .unwrap();
    ping(&bare, Environment { password: Some(SecretString::new(PASSWORD)), ..none() }).await.unwrap();
    closed(&format!("127.0.0.1:{port}:{LITELLM}:*:{PASSWORD}\n"), 0o600);
    ping(&bare, Environment { passfile: Some(file.clone()), ..none() }).await.unwrap();
    ping(&format!("{bare}?passfile={}", file.display()), none()).await.unwrap();

    let missing = ping(&bare, none()).await.unwrap_err();
    assert_eq!((missing.code(), missing.next()), ("postgres_password_missing", NextStep::AskUser), "{missing}");
    assert!(missing.fix().contains("~/.pgpass"));
    closed(&format!("*:*:*:*:{PASSWORD}\n"), 0o644);
    let exposed = ping(&bare, Environment { passfile: Some(file.clone()), ..none() }).await.unwrap_err();
    assert!(exposed.to_string().contains("passed over") && exposed.fix().contains("chmod 600"), "{exposed}");
    let wrong = refusal(&format!("postgres://{LITELLM}:canary-wrong@127.0.0.1:{port}/{LITELLM}")).await;
    assert_eq!((wrong.code(), wrong.next()), ("postgres_not_let_in", NextStep::AskUser), "{wrong}");
}

#[tokio::test]
async fn each_way_that_leads_nowhere_has_its_sentence() {
    let (mut cluster, _, postgres) = prepared().await;
    let port = cluster.port();
    let no_database = refusal(&cluster.by_socket().replace("///litellm", "///elsewhere")).await;
    assert_eq!((no_database.code(), no_database.next()), ("postgres_database_missing", NextStep::AskUser));
    let unknown = refusal("postgres://ada@no-such-host.invalid/x").await;
    assert_eq!((unknown.code(), unknown.next()), ("postgres_unreachable", NextStep::TryAgain), "{unknown}");
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = web.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in web.incoming().take(2) {
            let mut stream = stream.unwrap();
            // Whole, as what is left unread would reset the connection.
            let _ = stream.read(&mut [0; 1024]).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let other = refusal(&format!("postgres://ada@{at}/x?sslmode=disable")).await;
    assert_eq!(other.code(), "postgres_broken", "{other}");
    let other = refusal(&format!("postgres://ada@{at}/x?sslmode=require")).await;
    assert_eq!(other.code(), "postgres_without_tls", "{other}");
    answering.join().unwrap();
    // The first of several that lets us in is taken.
    let two = format!("postgres://{at},127.0.0.1:{port}/{LITELLM}?user={LITELLM}&password={PASSWORD}");
    crate::scene::database(&two).ping().await.unwrap();

    cluster.restart_with("default_transaction_read_only = on\n");
    deliver(&postgres, "ada", "a default alone is no refusal").await.unwrap();
    cluster.stop();
    for url in [cluster.by_socket(), cluster.by_port()] {
        let stopped = refusal(&url).await;
        assert_eq!((stopped.code(), stopped.next()), ("postgres_not_running", NextStep::TryAgain), "{stopped}");
    }
    let error = failure(deliver(&postgres, "ada", "token").await);
    assert!(error.to_string().contains(".s.PGSQL."), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_on() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "before").await.unwrap();
    cluster.hang();
    let begun = Instant::now();
    let parcels = ["ada", "bob"].map(|user| crate::scene::parcel(user, crate::scene::writing(row("during", ENDS))));
    let settled = postgres.carry(parcels.into()).await;
    for (_, settled) in settled {
        let undelivered = settled.unwrap_err();
        assert_eq!((undelivered.error.code(), undelivered.error.next()), ("postgres_hangs", NextStep::TryAgain));
        assert!(undelivered.uncertain.is_empty(), "nothing was sent");
    }
    assert!(begun.elapsed() < GIVEN_UP, "for both together: {:?}", begun.elapsed());
    let begun = Instant::now();
    let error = refusal(&format!("{}&connect_timeout=2", cluster.by_socket())).await;
    assert!(matches!(error, PostgresError::Hangs { .. }) && begun.elapsed() < Duration::from_secs(8), "{error}");
}

#[tokio::test]
async fn a_row_that_is_held_is_given_up_on_and_the_next_one_delivered() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "before").await.unwrap();
    let mut holder = cluster.beside(
        r#"BEGIN; SELECT * FROM "LiteLLM_ClaudeOAuthTokens" WHERE "user_id" = 'ada' FOR UPDATE; SELECT pg_sleep(60)"#,
    );
    // Of others' sessions only the one who may all is told.
    let held = r"RESET ROLE; SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while cluster.sql(held) != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let begun = Instant::now();
    let parcels = ["ada", "bob"].map(|user| crate::scene::parcel(user, crate::scene::writing(row("during", ENDS))));
    let mut settled = postgres.carry(parcels.into()).await;
    assert!(begun.elapsed() < GIVEN_UP, "{:?}", begun.elapsed());
    settled.remove(1).1.unwrap();
    let error = settled.remove(0).1.unwrap_err().error;
    assert_eq!((error.code(), error.next()), ("postgres_row_locked", NextStep::TryAgain), "{error}");
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("before", ENDS)), "looking waits for nobody");
    let _ = holder.kill();
    let _ = holder.wait();
}

#[tokio::test]
async fn no_connection_stays_behind_and_the_server_has_no_complaint() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "token").await.unwrap();
    seen(&postgres, "ada").await.unwrap();
    postgres.ping().await.unwrap();
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tokenferry'";
    let begun = Instant::now();
    while cluster.sql(ours) != "0" {
        assert!(begun.elapsed() < Duration::from_secs(5), "a connection was left open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = cluster.log();
    for complaint in ["unexpected EOF", "could not receive", "ERROR", "could not send"] {
        assert!(!log.contains(complaint), "{log}");
    }
}
