//! What is said to the server. Names are in mixed case, and so always in quotes. The columns are those of the older
//! documents, in which the table is first spoken of.

/// In each transaction, before anything else: bounds of time, and where the tables are. For the transaction alone, so
/// that a pool of connections in between is left as it was.
pub(super) const BEGIN: &str = "SELECT set_config('statement_timeout', $1, true), \
     set_config('idle_in_transaction_session_timeout', $2, true), \
     set_config('search_path', coalesce(quote_ident($3), current_setting('search_path')), true)";

/// A row, with its end in whole seconds.
macro_rules! read {
    ($end:literal) => {
        concat!(
            r#"SELECT "access_token_encrypted"::text, "refresh_token_encrypted"::text, "#,
            r#"CASE WHEN isfinite("expires_at") THEN floor(extract(epoch FROM "expires_at"))::int8 END, "#,
            r#""scopes"::text[] FROM "LiteLLM_ClaudeOAuthTokens" WHERE "user_id" = $1"#,
            $end
        )
    };
}

/// A user's row.
pub(super) const READ: &str = read!("");
/// A user's row, which nobody else changes until the transaction ends.
pub(super) const READ_TO_WRITE: &str = read!(" FOR UPDATE");

/// A user's row as it shall be: $2 to $4 are the token, its end and its scopes, $5 how many renewals to add. It is changed
/// only where it still is what was read ($6 and $7), and made only where nothing was; else no row is counted.
pub(super) const WRITE: &str = r#"
    INSERT INTO "LiteLLM_ClaudeOAuthTokens" AS kept (
        "token_id", "user_id", "access_token_encrypted", "refresh_token_encrypted", "expires_at", "scopes",
        "refresh_count", "created_at", "created_by", "updated_at", "updated_by"
    ) VALUES (
        gen_random_uuid(), $1, $2, NULL, to_timestamp($3), $4, 0, now(), 'tokenferry', now(), 'tokenferry'
    )
    ON CONFLICT ("user_id") DO UPDATE SET
        "access_token_encrypted" = excluded."access_token_encrypted",
        "refresh_token_encrypted" = NULL,
        "expires_at" = excluded."expires_at",
        "scopes" = excluded."scopes",
        "refresh_count" = coalesce(kept."refresh_count", 0) + $5,
        "updated_at" = now(),
        "updated_by" = 'tokenferry'
    WHERE kept."access_token_encrypted" = $6 AND kept."refresh_token_encrypted" IS NOT DISTINCT FROM $7"#;

/// A user's row is gone, where it still is what was read.
pub(super) const REMOVE: &str = r#"
    DELETE FROM "LiteLLM_ClaudeOAuthTokens"
    WHERE "user_id" = $1 AND "access_token_encrypted" = $2 AND "refresh_token_encrypted" IS NOT DISTINCT FROM $3"#;

/// Whose tokens end within so many seconds, or have ended.
pub(super) const ENDING: &str = r#"
    SELECT "user_id"::text, floor(extract(epoch FROM "expires_at"))::int8 FROM "LiteLLM_ClaudeOAuthTokens"
    WHERE isfinite("expires_at") AND "expires_at" < now() + make_interval(secs => $1)
    ORDER BY "expires_at", "user_id""#;

/// Two that make the table at once would get in each other's way.
pub(super) const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtext('tokenferry postgres init'))";

/// Whether the table of users is there, and that of tokens; whether that has an index on ends, which of its columns
/// are missing, and whether a user can have no more than one row.
pub(super) const LOOK: &str = r#"
    SELECT to_regclass('"LiteLLM_UserTable"') IS NOT NULL,
        tokens.oid IS NOT NULL,
        EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = tokens.oid AND a.attname = 'expires_at'
        ),
        ARRAY (
            SELECT wanted FROM unnest($1) AS wanted WHERE NOT EXISTS (
                SELECT FROM pg_attribute a
                WHERE a.attrelid = tokens.oid AND a.attname = wanted AND a.attnum > 0 AND NOT a.attisdropped
            )
        ),
        EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = tokens.oid AND a.attname = 'user_id' AND i.indisunique AND i.indnkeyatts = 1
                AND i.indpred IS NULL
        )
    FROM (SELECT to_regclass('"LiteLLM_ClaudeOAuthTokens"')::oid AS oid) AS tokens"#;

/// The table's columns.
pub(super) const COLUMNS: [&str; 12] = [
    "token_id",
    "user_id",
    "access_token_encrypted",
    "refresh_token_encrypted",
    "expires_at",
    "scopes",
    "last_used",
    "refresh_count",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
];

/// The table of tokens.
pub(super) const MAKE_TABLE: &str = r#"
    CREATE TABLE IF NOT EXISTS "LiteLLM_ClaudeOAuthTokens" (
        "token_id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        "user_id" varchar(256) NOT NULL UNIQUE
            REFERENCES "LiteLLM_UserTable" ("user_id") ON DELETE CASCADE,
        "access_token_encrypted" text NOT NULL,
        "refresh_token_encrypted" text,
        "expires_at" timestamptz NOT NULL,
        "scopes" text[],
        "last_used" timestamptz,
        "refresh_count" integer DEFAULT 0,
        "created_at" timestamptz DEFAULT now(),
        "created_by" varchar(256),
        "updated_at" timestamptz DEFAULT now(),
        "updated_by" varchar(256)
    )"#;

/// Its index, for those who ask whose token ends next.
pub(super) const MAKE_INDEX: &str = r#"
    CREATE INDEX IF NOT EXISTS "LiteLLM_ClaudeOAuthTokens_expires_at_idx"
    ON "LiteLLM_ClaudeOAuthTokens" ("expires_at")"#;
