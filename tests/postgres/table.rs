//! The table is made where it is missing, and what is there stays as it is.

use std::time::Duration;

use bed::Cluster;

use crate::scene::{ENDS, add_user, carry, database, deliver, key, key_text, parcel, prepared, row, writing};

/// The table's columns, as the older documents have them.
const COLUMNS: &str = "\
token_id|uuid|NO|gen_random_uuid()
user_id|character varying(256)|NO|
access_token_encrypted|text|NO|
refresh_token_encrypted|text|YES|
expires_at|timestamp with time zone|NO|
scopes|text[]|YES|
last_used|timestamp with time zone|YES|
refresh_count|integer|YES|0";

#[tokio::test]
async fn what_is_missing_is_made_once() {
    let cluster = Cluster::start();
    let postgres = database(&cluster.by_socket());
    let (first, second) = tokio::join!(postgres.init(), postgres.init());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.table, second.table, "two at once, of whom one makes it: {first} {second}");
    assert!(first.index != second.index && first.to_string() != second.to_string());
    let columns = cluster.sql(
        r#"SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END,
               pg_get_expr(adbin, adrelid)
           FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
           WHERE attrelid = '"LiteLLM_ClaudeOAuthTokens"'::regclass AND attnum > 0 ORDER BY attnum"#,
    );
    assert!(columns.starts_with(COLUMNS), "{columns}");
    let others: Vec<_> = columns.lines().skip(8).filter_map(|line| line.split('|').next()).collect();
    assert_eq!(others, ["created_at", "created_by", "updated_at", "updated_by"]);
    cluster.sql(r#"DROP INDEX "LiteLLM_ClaudeOAuthTokens_expires_at_idx""#);
    let mended = postgres.init().await.unwrap();
    assert!(!mended.table && mended.index, "{mended}");
}

#[tokio::test]
async fn without_litellm_s_own_table_the_prerequisite_is_told() {
    let cluster = Cluster::start_empty();
    let error = database(&cluster.by_socket()).init().await.unwrap_err();
    assert_eq!(error.code(), "postgres_user_table_missing", "{error}");
    assert!(error.to_string().contains("LiteLLM_UserTable") && error.fix().contains("starting LiteLLM"), "{error}");
    assert_eq!(cluster.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

#[tokio::test]
async fn a_table_that_is_another_is_left_alone() {
    let cluster = Cluster::start();
    add_user(&cluster, "ada");
    cluster.sql(r#"CREATE TABLE "LiteLLM_ClaudeOAuthTokens" (user_id text, expires_at timestamptz)"#);
    let postgres = database(&cluster.by_socket()).with_key(key(&key_text()));
    let error = postgres.init().await.unwrap_err();
    assert_eq!(error.code(), "postgres_table_differs");
    assert!(error.to_string().contains("lacks token_id, access_token_encrypted"), "{error}");
    let error = deliver(&postgres, "ada", "token").await.unwrap_err().error;
    assert_eq!(error.code(), "postgres_table_differs", "{error}");
}

#[tokio::test]
async fn a_schema_in_the_address_is_where_the_tables_are() {
    let cluster = Cluster::start_empty();
    cluster.sql(r#"CREATE SCHEMA "My Llm""#);
    cluster.sql(r#"CREATE TABLE "My Llm"."LiteLLM_UserTable" (user_id text PRIMARY KEY)"#);
    cluster.sql(r#"INSERT INTO "My Llm"."LiteLLM_UserTable" VALUES ('ada')"#);
    let url = format!("{}&schema=My%20Llm&connection_limit=5", cluster.by_socket());
    let postgres = database(&url).with_key(key(&key_text()));
    assert!(postgres.init().await.unwrap().table);
    deliver(&postgres, "ada", "token").await.unwrap();
    assert_eq!(cluster.sql(r#"SELECT user_id FROM "My Llm"."LiteLLM_ClaudeOAuthTokens""#), "ada");
}

#[tokio::test]
async fn those_are_listed_whose_tokens_end_soon() {
    let (cluster, _, postgres) = prepared().await;
    for user in ["eve", "ida"] {
        add_user(&cluster, user);
    }
    let now = jiff::Timestamp::now().as_second();
    for (user, ends) in [("ada", now + 600), ("bob", now + 6000), ("eve", now - 60), ("ida", ENDS)] {
        carry(&postgres, parcel(user, writing(row("token", ends)))).await.unwrap();
    }
    let keyless = database(&cluster.by_socket());
    let ending = async |seconds| {
        let told = keyless.ending_soon(Duration::from_secs(seconds)).await.unwrap();
        told.into_iter().map(|(user, ends)| (user, ends.as_second())).collect::<Vec<_>>()
    };
    assert_eq!(ending(3600).await, [("eve".to_owned(), now - 60), ("ada".to_owned(), now + 600)]);
    assert_eq!(ending(0).await.len(), 1, "it has ended");
    assert_eq!(ending(u64::MAX).await.len(), 3, "a year at most");
}
