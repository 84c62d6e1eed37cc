//! A sign-in as the bytes that a vault keeps: JSON with a format number, so that one write commits the whole of it.
//!
//! What can't be read is refused without quoting it: a parser's own message may hold a token.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Entry, Vault, VaultError};
use crate::account::{AccountName, Identity};
use crate::credentials::{Credentials, Kind};
use crate::secret::{SecretBytes, SecretString};

/// The newest format that is known. Grows when an older Tokenferry would misread, or lose, what is in a record.
const FORMAT: u32 = 2;
/// The format of a sign-in, which has stayed as it was.
const OF_SIGN_INS: u32 = 1;

/// The format that a record of this kind is written in. One that knows of sign-ins alone would renew all else with a
/// refresh token that isn't there, be refused, and take the account for lost: it has to see that it can't read this. A
/// sign-in is left readable to it, so that going back to an older Tokenferry costs nobody a sign-in.
fn format_of(kind: Kind) -> u32 {
    if kind == Kind::SignIn { OF_SIGN_INS } else { FORMAT }
}

/// Why a sign-in makes no record, or bytes are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A sign-in could not be put into words. No sign-in that can be made is known to do this.
    #[error("the sign-in can't be written as a record")]
    Unwritable,
    /// Written by a newer Tokenferry.
    #[error("it has format {0}, and formats up to {FORMAT} are known here")]
    Newer(u32),
    /// Not a record. Holds the place at which that shows.
    #[error("it is no record, which shows at line {line}, column {column}")]
    Unreadable {
        /// Counted from 1; 0 where the parser named no place.
        line: usize,
        /// Counted from 1; 0 where the parser named no place.
        column: usize,
    },
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    /// None for a sign-in, which is written as it ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    account: &'a AccountName,
    provider: &'a str,
    access_token: &'a str,
    refresh_token: &'a str,
    access_token_ends: Timestamp,
    sign_in_ends: Timestamp,
    scopes: &'a [String],
    identity: &'a Identity,
    version: u64,
    created: Timestamp,
    updated: Timestamp,
    refresh_count: u64,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    kind: Kind,
    account: AccountName,
    provider: String,
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
    access_token_ends: Timestamp,
    sign_in_ends: Timestamp,
    scopes: Vec<String>,
    identity: Identity,
    version: u64,
    created: Timestamp,
    updated: Timestamp,
    refresh_count: u64,
}

/// Moves the parser's text straight into what wipes it.
fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::new)
}

/// The record of a sign-in.
pub fn encode(credentials: &Credentials) -> Result<SecretBytes, RecordError> {
    let record = Written {
        format: format_of(credentials.kind),
        kind: Some(credentials.kind).filter(|kind| *kind != Kind::SignIn),
        account: &credentials.account,
        provider: &credentials.provider,
        access_token: credentials.access_token.expose(),
        refresh_token: credentials.refresh_token.expose(),
        access_token_ends: credentials.access_token_ends,
        sign_in_ends: credentials.sign_in_ends,
        scopes: &credentials.scopes,
        identity: &credentials.identity,
        version: credentials.version,
        created: credentials.created,
        updated: credentials.updated,
        refresh_count: credentials.refresh_count,
    };
    let write = |to: &mut dyn io::Write| serde_json::to_writer(to, &record).map_err(|_| RecordError::Unwritable);
    // Measured first: a buffer that grows leaves copies behind that nobody wipes.
    let mut length = Length(0);
    write(&mut length)?;
    let mut bytes = Vec::with_capacity(length.0);
    write(&mut bytes)?;
    Ok(SecretBytes::new(bytes))
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sign-in that a record holds.
pub fn decode(bytes: &[u8]) -> Result<Credentials, RecordError> {
    let head: Head = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
    if head.format > FORMAT {
        return Err(RecordError::Newer(head.format));
    }
    let record: Read = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
    Ok(Credentials {
        kind: record.kind,
        account: record.account,
        provider: record.provider,
        access_token: record.access_token,
        refresh_token: record.refresh_token,
        access_token_ends: record.access_token_ends,
        sign_in_ends: record.sign_in_ends,
        scopes: record.scopes,
        identity: record.identity,
        version: record.version,
        created: record.created,
        updated: record.updated,
        refresh_count: record.refresh_count,
    })
}

fn unreadable(error: &serde_json::Error) -> RecordError {
    RecordError::Unreadable { line: error.line(), column: error.column() }
}

/// The account's sign-in, or `None` where the vault holds none.
pub async fn read_credentials(vault: &dyn Vault, account: &AccountName) -> Result<Option<Credentials>, VaultError> {
    let entry = Entry::Account(account);
    let Some(bytes) = vault.read(entry).await? else { return Ok(None) };
    let corrupt = |why: String| VaultError::Corrupt { entry: entry.to_string(), why };
    match decode(bytes.expose()) {
        Ok(credentials) if credentials.account == *account => Ok(Some(credentials)),
        Ok(credentials) => Err(corrupt(format!("it belongs to the account \"{}\"", credentials.account))),
        Err(RecordError::Newer(found)) => Err(VaultError::Newer { entry: entry.to_string(), found, known: FORMAT }),
        Err(error) => Err(corrupt(error.to_string())),
    }
}

/// Commits a sign-in: one write under its account's name.
pub async fn write_credentials(vault: &dyn Vault, credentials: &Credentials) -> Result<(), VaultError> {
    let record = encode(credentials).map_err(|error| VaultError::Other(error.to_string()))?;
    vault.write(Entry::Account(&credentials.account), &record).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credentials::samples::{self, credentials};
    use crate::vault::VaultKind;

    fn timestamp() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(), 0..1_000_000_000)
            .prop_filter_map("in range", |(second, nanosecond)| Timestamp::new(second, nanosecond).ok())
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(any::<String>())
    }

    prop_compose! {
        fn identity()(
            account_uuid in text(), email in text(), organization_uuid in text(), organization in text(),
            plan in text(), rate_limit_tier in text(),
        ) -> Identity {
            Identity { account_uuid, email, organization_uuid, organization, plan, rate_limit_tier }
        }
    }

    prop_compose! {
        fn any_credentials()(
            account in "[a-zA-Z0-9_@][a-zA-Z0-9._@-]{0,63}", provider in any::<String>(),
            (access_token, refresh_token) in any::<(String, String)>(),
            kind in proptest::sample::select(Kind::ALL.to_vec()),
            (access_token_ends, sign_in_ends, created, updated) in (timestamp(), timestamp(), timestamp(), timestamp()),
            scopes in any::<Vec<String>>(), identity in identity(), (version, refresh_count) in any::<(u64, u64)>(),
        ) -> Credentials {
            Credentials {
                account: account.parse().unwrap(), kind, provider, access_token: SecretString::new(access_token),
                refresh_token: SecretString::new(refresh_token), access_token_ends, sign_in_ends, scopes, identity,
                version, created, updated, refresh_count,
            }
        }
    }

    fn text_of(credentials: &Credentials) -> String {
        String::from_utf8(encode(credentials).unwrap().expose().to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(credentials in any_credentials()) {
            prop_assert_eq!(decode(encode(&credentials).unwrap().expose()), Ok(credentials));
        }

        #[test]
        fn no_bytes_are_a_surprise(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn no_part_of_a_record_is_one(credentials in any_credentials(), cut: prop::sample::Index) {
            let record = encode(&credentials).unwrap();
            prop_assert!(decode(&record.expose()[..cut.index(record.expose().len())]).is_err());
        }
    }

    #[test]
    fn the_format_stays() {
        assert_eq!(
            text_of(&credentials()),
            concat!(
                r#"{"format":1,"account":"default","provider":"http://localhost:1","#,
                r#""access_token":"canary-access","refresh_token":"canary-refresh","#,
                r#""access_token_ends":"2026-01-01T08:00:00Z","sign_in_ends":"2026-01-31T00:00:00Z","#,
                r#""scopes":["user:inference","user:profile"],"identity":{"account_uuid":null,"#,
                r#""email":"ada@example.com","organization_uuid":null,"organization":null,"plan":"max","#,
                r#""rate_limit_tier":null},"version":1,"created":"2026-01-01T00:00:00Z","#,
                r#""updated":"2026-01-01T00:00:00Z","refresh_count":0}"#
            )
        );
    }

    #[test]
    fn a_newer_format_is_known_as_such() {
        assert_eq!(decode(br#"{"format":3,"all":"different"}"#), Err(RecordError::Newer(3)));
    }

    #[test]
    fn what_an_older_tokenferry_would_misread_it_refuses() {
        for (other, begins) in [
            (samples::one_year(), r#"{"format":2,"kind":"one_year","account":"default","#),
            (samples::api_key(), r#"{"format":2,"kind":"api_key","account":"default","#),
        ] {
            let record = text_of(&other);
            assert!(record.starts_with(begins), "{record}");
            assert_eq!(decode(record.as_bytes()).unwrap(), other);
        }
        let unknown = text_of(&samples::api_key()).replace("api_key", "golden_key");
        assert!(matches!(decode(unknown.as_bytes()), Err(RecordError::Unreadable { .. })));
    }

    #[test]
    fn what_is_refused_is_not_quoted() {
        let record = text_of(&credentials());
        let misplaced = record.replace(r#""version":1"#, r#""version":"canary-misplaced""#);
        let unknown = record.replace(r#""account":"default""#, r#""account":"canary access""#);
        let cut = &record[..record.find("canary-refresh").unwrap() + 10];
        for bad in [misplaced.as_str(), &unknown, cut, "\"canary\"", r#"{"format":"canary"}"#] {
            let error = decode(bad.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_record_under_another_name_is_refused() {
        let vault =
            crate::vault::open(VaultKind::Memory, std::path::Path::new(""), "", &crate::given_key::GivenKey::default())
                .await
                .unwrap();
        write_credentials(vault.as_ref(), &credentials()).await.unwrap();
        assert_eq!(read_credentials(vault.as_ref(), &AccountName::default()).await.unwrap(), Some(credentials()));
        let ada = "ada".parse().unwrap();
        assert_eq!(read_credentials(vault.as_ref(), &ada).await.unwrap(), None);
        vault.write(Entry::Account(&ada), &encode(&credentials()).unwrap()).await.unwrap();
        let error = read_credentials(vault.as_ref(), &ada).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "The vault's entry \"account:ada\" is damaged: it belongs to the account \"default\"."
        );
    }
}
