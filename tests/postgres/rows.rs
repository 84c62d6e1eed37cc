//! A user's row is made, renewed, kept and taken away, and others' rows are not touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::destinations::{Change, ComposeError, NextStep, Outcome};

use crate::scene::{
    ENDS, add_user, carry, database, deliver, failure, key, key_text, parcel, prepared, row, seen, writing,
};

/// What is told of a row without its key.
const PLAIN: &str = r#"SELECT "user_id", "refresh_token_encrypted", extract(epoch FROM "expires_at")::int8, "scopes",
    "last_used", "refresh_count", "created_by", "updated_by" FROM "LiteLLM_ClaudeOAuthTokens" ORDER BY "user_id""#;

#[tokio::test]
async fn a_row_is_made_and_renewed_and_says_so() {
    let (cluster, _, postgres) = prepared().await;
    let made = deliver(&postgres, "ada", "first").await.unwrap();
    assert_eq!((made.outcome, made.path.as_str()), (Outcome::Written, "row"));
    assert_eq!(made.size, u64::try_from(row("first", ENDS).len()).ok());
    let expected = format!("ada||{ENDS}|{{user:inference,user:profile}}||0|tokenferry|tokenferry");
    assert_eq!(cluster.sql(PLAIN), expected);
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("first", ENDS)));
    let sealed = cluster.sql(r#"SELECT "access_token_encrypted" FROM "LiteLLM_ClaudeOAuthTokens""#);
    assert!(sealed.starts_with("gAAAAA"), "Fernet's own mark: {sealed}");

    // Somebody used it, and it was made some time ago.
    cluster.sql(
        r#"UPDATE "LiteLLM_ClaudeOAuthTokens" SET "last_used" = '2026-01-01 00:00:00Z',
           "created_at" = '2025-12-31 00:00:00Z', "updated_at" = '2025-12-31 00:00:00Z', "created_by" = 'somebody'"#,
    );
    carry(&postgres, parcel("ada", writing(row("second", ENDS + 60)))).await.unwrap();
    let dates = r#"SELECT "refresh_count", extract(epoch FROM "last_used")::int8, extract(epoch FROM "created_at")::int8,
        now() - "updated_at" < interval '1 minute', "created_by" FROM "LiteLLM_ClaudeOAuthTokens""#;
    assert_eq!(cluster.sql(dates), "1|1767225600|1767139200|t|somebody");
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("second", ENDS + 60)));

    // The same token with another end is no renewal.
    carry(&postgres, parcel("ada", writing(row("second", ENDS + 90)))).await.unwrap();
    assert!(cluster.sql(dates).starts_with("1|"));
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("second", ENDS + 90)));
}

#[tokio::test]
async fn two_users_are_apart() {
    let (cluster, _, postgres) = prepared().await;
    let parcels = ["ada", "nobody", "bob"].map(|user| parcel(user, writing(row(&format!("{user}'s token"), ENDS))));
    let settled = postgres.carry(parcels.into()).await;
    let names: Vec<_> = settled.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ada's", "nobody's", "bob's"]);
    assert!(settled[0].1.is_ok() && settled[1].1.is_err() && settled[2].1.is_ok(), "{settled:?}");
    let taken = carry(&postgres, parcel("ada", Box::new(|_| Ok(Change::Remove)))).await.unwrap();
    assert_eq!((taken.outcome, taken.size), (Outcome::Removed, None));
    assert_eq!(seen(&postgres, "ada").await.unwrap(), None);
    assert_eq!(seen(&postgres, "bob").await.unwrap(), Some(row("bob's token", ENDS)));
    let again = carry(&postgres, parcel("ada", Box::new(|_| Ok(Change::Remove)))).await.unwrap();
    assert_eq!(again.outcome, Outcome::Absent);
    assert_eq!(cluster.sql(r#"SELECT count(*) FROM "LiteLLM_ClaudeOAuthTokens""#), "1");
}

#[tokio::test]
async fn what_is_kept_is_not_written() {
    let (cluster, _, postgres) = prepared().await;
    let version = || cluster.sql(r#"SELECT xmin, "updated_at" FROM "LiteLLM_ClaudeOAuthTokens""#);
    let keep = || parcel("ada", Box::new(|_| Ok(Change::Keep)));
    assert_eq!(carry(&postgres, keep()).await.unwrap().outcome, Outcome::Absent);
    deliver(&postgres, "ada", "token").await.unwrap();
    let before = version();
    assert_eq!(carry(&postgres, keep()).await.unwrap().outcome, Outcome::Kept);
    let settle = parcel("ada", Box::new(|_| Ok(Change::Settle)));
    assert_eq!(carry(&postgres, settle).await.unwrap().outcome, Outcome::Kept);
    let puzzled = parcel("ada", Box::new(|_| Err(ComposeError::NotUnderstood("it is odd".to_owned()))));
    assert_eq!(failure(carry(&postgres, puzzled).await).code(), "row_not_understood");
    let whole = row("token", ENDS).replace('}', r#","refresh_token":"x"}"#);
    let refresh =
        parcel("ada", Box::new(move |_| Ok(Change::Write(engine::secret::SecretBytes::new(whole.clone().into())))));
    assert_eq!(failure(carry(&postgres, refresh).await).code(), "no_row");
    let mut elsewhere = keep();
    elsewhere.files[0].path = ".credentials.json".to_owned();
    assert_eq!(failure(carry(&postgres, elsewhere).await).code(), "bad_path");
    assert_eq!(version(), before);
}

#[tokio::test]
async fn somebody_else_s_refresh_token_is_shown_to_the_format() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "token").await.unwrap();
    // The fork keeps both tokens under the same key.
    cluster.sql(
        r#"UPDATE "LiteLLM_ClaudeOAuthTokens" SET "refresh_token_encrypted" = "access_token_encrypted", "scopes" = NULL"#,
    );
    let there = seen(&postgres, "ada").await.unwrap();
    let foreign = format!(r#"{{"access_token":"token","expires_at":{ENDS},"refresh_token":"token"}}"#);
    assert_eq!(there.as_ref(), Some(&foreign));
    let error = failure(deliver(&postgres, "ada", "ours").await);
    assert_eq!((error.code(), error.next()), ("foreign", NextStep::AskUser), "{error}");
    assert_eq!(seen(&postgres, "ada").await.unwrap(), there, "left alone");
    // On request it is replaced.
    let replace =
        parcel("ada", Box::new(|_| Ok(Change::Write(engine::secret::SecretBytes::new(row("ours", ENDS).into())))));
    carry(&postgres, replace).await.unwrap();
    assert_eq!(seen(&postgres, "ada").await.unwrap(), Some(row("ours", ENDS)));
}

#[tokio::test]
async fn a_row_under_another_key_is_left_alone() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "theirs").await.unwrap();
    let content = || cluster.sql(r#"SELECT * FROM "LiteLLM_ClaudeOAuthTokens""#);
    let before = content();
    let other = key(&key_text());
    let stranger = database(&cluster.by_socket()).with_key(other.clone());
    let error = failure(deliver(&stranger, "ada", "ours").await);
    assert_eq!((error.code(), error.next()), ("encryption_key_wrong", NextStep::AskUser));
    assert!(error.to_string().contains(other.name()) && error.to_string().contains("\"ada\""), "{error}");
    let remove = parcel("ada", Box::new(|_| Ok(Change::Remove)));
    assert_eq!(failure(carry(&stranger, remove).await).code(), "encryption_key_wrong");
    assert_eq!(seen(&stranger, "ada").await.unwrap_err().code(), "encryption_key_wrong");
    let keyless = database(&cluster.by_socket());
    assert_eq!(failure(deliver(&keyless, "ada", "ours").await).code(), "encryption_key_missing");
    assert_eq!(content(), before);
}

#[tokio::test]
async fn a_user_or_a_table_that_is_missing_is_named_with_the_way_out() {
    let (cluster, _, postgres) = prepared().await;
    let error = failure(deliver(&postgres, "mallory", "token").await);
    assert_eq!((error.code(), error.next()), ("postgres_user_missing", NextStep::AskUser));
    assert!(error.to_string().contains("\"mallory\"") && error.fix().contains("/user/new"), "{error}");
    assert_eq!(cluster.sql(r#"SELECT count(*) FROM "LiteLLM_ClaudeOAuthTokens""#), "0");
    add_user(&cluster, "mallory");
    deliver(&postgres, "mallory", "token").await.unwrap();
    // The row goes with its user.
    cluster.sql(r#"DELETE FROM "LiteLLM_UserTable" WHERE user_id = 'mallory'"#);
    assert_eq!(seen(&postgres, "mallory").await.unwrap(), None);
    cluster.sql(r#"DROP TABLE "LiteLLM_ClaudeOAuthTokens""#);
    let error = failure(deliver(&postgres, "ada", "token").await);
    assert_eq!(error.code(), "postgres_table_missing");
    assert!(error.fix().contains("postgres init"), "{}", error.fix());
}

#[tokio::test]
async fn what_somebody_else_makes_in_between_is_not_written_over() {
    let (cluster, _, postgres) = prepared().await;
    deliver(&postgres, "ada", "seen first").await.unwrap();
    let take = r#"SELECT "access_token_encrypted" FROM "LiteLLM_ClaudeOAuthTokens" WHERE "user_id" = 'ada'"#;
    let sealed = cluster.sql(take);
    carry(&postgres, parcel("ada", Box::new(|_| Ok(Change::Remove)))).await.unwrap();
    // Between our look, which finds nothing, and our writing, somebody signs ada in.
    let (looks, cluster) = (Arc::new(AtomicUsize::new(0)), Arc::new(cluster));
    let (counted, other) = (looks.clone(), cluster.clone());
    let compose = Box::new(move |existing: Option<&[u8]>| {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            assert_eq!(existing, None);
            other.sql(&format!(
                r#"INSERT INTO "LiteLLM_ClaudeOAuthTokens" ("user_id", "access_token_encrypted", "expires_at")
                   VALUES ('ada', '{sealed}', to_timestamp({ENDS}))"#
            ));
            return Ok(Change::Write(engine::secret::SecretBytes::new(row("ours", ENDS).into())));
        }
        assert!(String::from_utf8_lossy(existing.unwrap()).contains("seen first"));
        Ok(Change::Keep)
    });
    assert_eq!(carry(&postgres, parcel("ada", compose)).await.unwrap().outcome, Outcome::Kept);
    assert_eq!(looks.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_has_no_rights_is_told_so() {
    let (cluster, text, _) = prepared().await;
    cluster.sql(r#"RESET ROLE; CREATE ROLE reader LOGIN; GRANT SELECT ON "LiteLLM_ClaudeOAuthTokens" TO reader"#);
    let url = cluster.by_socket().replace("user=litellm", "user=reader");
    let reader = database(&url).with_key(key(&text));
    let error = failure(deliver(&reader, "ada", "token").await);
    assert_eq!((error.code(), error.next()), ("postgres_forbids", NextStep::AskUser), "{error}");
    assert_eq!(seen(&reader, "ada").await.unwrap(), None, "it may look");
}
