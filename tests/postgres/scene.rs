//! What every test here needs: a database with users and the table, a key, and parcels with a row in them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use bed::Cluster;
use engine::destinations::postgres::{EncryptionKey, Environment, Postgres, PostgresError};
use engine::destinations::{
    Change, Compose, ComposeError, DeliveryError, FileReceipt, Glance, OwnerChoice, Parcel, ParcelFile, Undelivered,
};
use engine::secret::{SecretBytes, SecretString};

/// When the tokens of the tests end, in seconds since 1970: 2030-01-01.
pub(crate) const ENDS: i64 = 1_893_456_000;

/// A fresh key, as text.
pub(crate) fn key_text() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    BASE64_URL_SAFE.encode(bytes)
}

/// The same key as delivery takes it.
pub(crate) fn key(text: &str) -> EncryptionKey {
    EncryptionKey::parse(&SecretString::new(text)).unwrap()
}

/// A database by its address, with nothing of the environment of who runs the tests.
pub(crate) fn database(url: &str) -> Postgres {
    let environment = Environment { host: "localhost".to_owned(), ..Environment::default() };
    Postgres::new(url.parse().unwrap(), environment)
}

/// A server with the table and two users, the key as text, and the way to it.
pub(crate) async fn prepared() -> (Cluster, String, Postgres) {
    let cluster = Cluster::start();
    let (text, postgres) = (key_text(), database(&cluster.by_socket()));
    add_user(&cluster, "ada");
    add_user(&cluster, "bob");
    postgres.init().await.unwrap();
    let postgres = postgres.with_key(key(&text));
    (cluster, text, postgres)
}

/// LiteLLM has this user.
pub(crate) fn add_user(cluster: &Cluster, user: &str) {
    cluster.sql(&format!("INSERT INTO \"LiteLLM_UserTable\" VALUES ('{user}')"));
}

/// A row as formats see it.
pub(crate) fn row(token: &str, ends: i64) -> String {
    format!(r#"{{"access_token":"{token}","expires_at":{ends},"scopes":["user:inference","user:profile"]}}"#)
}

pub(crate) fn parcel(user: &str, compose: Compose) -> Parcel {
    let file = ParcelFile { path: "row".to_owned(), mode: 0o600, compose };
    Parcel { destination: format!("{user}'s"), root: user.to_owned(), owner: OwnerChoice::Auto, files: vec![file] }
}

/// Puts this there, unless there is a refresh token.
pub(crate) fn writing(row: String) -> Compose {
    Box::new(move |existing| {
        let is_foreign = existing.is_some_and(|it| String::from_utf8_lossy(it).contains("refresh_token"));
        if is_foreign {
            return Err(ComposeError::Foreign);
        }
        Ok(Change::Write(SecretBytes::new(row.clone().into_bytes())))
    })
}

/// Carries one parcel with one file.
pub(crate) async fn carry(postgres: &Postgres, parcel: Parcel) -> Result<FileReceipt, Undelivered> {
    let (_, settled) = postgres.carry(vec![parcel]).await.remove(0);
    settled.map(|mut receipt| receipt.files.remove(0))
}

/// Writes a token that ends in 2030 into a user's row.
pub(crate) async fn deliver(postgres: &Postgres, user: &str, token: &str) -> Result<FileReceipt, Undelivered> {
    carry(postgres, parcel(user, writing(row(token, ENDS)))).await
}

/// The error of a delivery that failed, which has a sentence and a way out.
pub(crate) fn failure<T: std::fmt::Debug>(delivered: Result<T, Undelivered>) -> DeliveryError {
    let error = delivered.unwrap_err().error;
    assert!(error.to_string().ends_with('.') && !error.fix().is_empty(), "{error} {}", error.fix());
    error
}

/// What lies in a user's row, as formats see it.
pub(crate) async fn seen(postgres: &Postgres, user: &str) -> Result<Option<String>, DeliveryError> {
    let paths = vec!["row".to_owned()];
    let glance = Glance { destination: "look".to_owned(), root: user.to_owned(), paths };
    let (_, seen) = postgres.look(vec![glance]).await.remove(0);
    let file = seen?.remove(0).file;
    Ok(file.map(|file| String::from_utf8(file.content.unwrap().expose().to_vec()).unwrap()))
}

/// The error of a way to a server that doesn't lead there.
pub(crate) async fn refusal(url: &str) -> PostgresError {
    let error = database(url).ping().await.unwrap_err();
    assert!(!format!("{error:?} {error} {}", error.fix()).contains("canary"), "{error:?}");
    error
}
