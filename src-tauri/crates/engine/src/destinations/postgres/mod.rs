//! Delivery into a PostgreSQL database: the table `LiteLLM_ClaudeOAuthTokens`, with one row for each user.
//!
//! A row is handled as a folder with one file, `row`, whose content is JSON: `{"access_token":…,"expires_at":SECONDS,
//! "scopes":[…]}`. In the table the token is encrypted, and there is no refresh token of ours. A row is read, changed and
//! read back in transactions, so a reader sees the old one or the new one, whole. More in `docs/postgres.md`.

mod connector;
mod environment;
mod fault;
mod key;
mod passfile;
mod place;
mod row;
mod session;
mod statements;
mod table;
mod tls;
mod url;
mod url_text;
mod work;

pub use environment::Environment;
pub use fault::PostgresError;
pub use key::EncryptionKey;
pub use place::{PostgresPlace, UserId};
pub use table::Prepared;
pub use url::{BadPostgresUrl, PostgresUrl};

use self::row::FILE;
use self::session::Session;
use self::work::Errand;
use super::{DeliveryError, Glance, Ids, Parcel, Receipt, Seen, SeenFile, Undelivered};

/// A database.
///
/// Calls may run at the same time; each connects for itself, and leaves no connection behind.
#[derive(Debug, Clone)]
pub struct Postgres {
    url: PostgresUrl,
    environment: Environment,
    key: Option<EncryptionKey>,
}

impl Postgres {
    /// A database; nothing is sent to it yet. The password is that of the address, else what the environment has, as
    /// libpq finds it.
    pub fn new(url: PostgresUrl, environment: Environment) -> Self {
        Self { url, environment, key: None }
    }

    /// With the key that tokens are encrypted with. Without it, rows can neither be read nor written.
    #[must_use]
    pub fn with_key(self, key: EncryptionKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Which database it is.
    pub fn url(&self) -> &PostgresUrl {
        &self.url
    }

    /// Asks the server whether it lets us in.
    ///
    /// # Errors
    /// By class, see [`PostgresError`].
    pub async fn ping(&self) -> Result<(), PostgresError> {
        self.connect().await?.end().await;
        Ok(())
    }

    /// Carries all parcels, and says of each, by its destination's name and in the same order, what became of it. A parcel's
    /// root is a user's id, and its file is called `row`. One that fails doesn't hold up the others; a server that can't be
    /// reached fails them all at once.
    pub async fn carry(&self, parcels: Vec<Parcel>) -> Vec<(String, Result<Receipt, Undelivered>)> {
        let mut line = Line::default();
        let mut settled = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            let outcome = self.deliver(&mut line, &parcel).await;
            settled.push((parcel.destination, outcome));
        }
        line.end().await;
        settled
    }

    /// Looks at rows, and says of each destination, in the same order, what is there. Nothing is changed or locked.
    pub async fn look(&self, glances: Vec<Glance>) -> Vec<(String, Result<Vec<Seen>, DeliveryError>)> {
        let mut line = Line::default();
        let mut seen = Vec::with_capacity(glances.len());
        for glance in glances {
            let found = self.see(&mut line, &glance).await;
            seen.push((glance.destination, found.map_err(DeliveryError::from)));
        }
        line.end().await;
        seen
    }

    async fn deliver(&self, line: &mut Line, parcel: &Parcel) -> Result<Receipt, Undelivered> {
        let errand = self.errand(&parcel.root)?;
        let mut files = Vec::with_capacity(parcel.files.len());
        for file in &parcel.files {
            let failed = |error, uncertain: bool, files| Undelivered {
                error: DeliveryError::Postgres(error),
                files,
                uncertain: uncertain.then(|| file.path.clone()).into_iter().collect(),
            };
            if file.path != FILE {
                return Err(failed(PostgresError::NoSuchFile { path: file.path.clone() }, false, files));
            }
            let session = match line.session(self).await {
                Ok(session) => session,
                Err(error) => return Err(failed(error, false, files)),
            };
            match errand.carry(session, &file.compose).await {
                Ok(receipt) => files.push(receipt),
                Err(it) => {
                    line.heard(&it.error);
                    return Err(failed(it.error, it.uncertain, files));
                }
            }
        }
        Ok(Receipt { destination: parcel.destination.clone(), files })
    }

    async fn see(&self, line: &mut Line, glance: &Glance) -> Result<Vec<Seen>, PostgresError> {
        let errand = self.errand(&glance.root)?;
        let mut seen = Vec::with_capacity(glance.paths.len());
        for path in &glance.paths {
            if path != FILE {
                return Err(PostgresError::NoSuchFile { path: path.clone() });
            }
            let looked = errand.look(line.session(self).await?).await;
            let content = looked.inspect_err(|error| line.heard(error))?;
            // A row has neither owner nor mode; these are what a file that is closed to others would have.
            let file =
                content.map(|content| SeenFile { owner: Ids { uid: 0, gid: 0 }, mode: 0o600, content: Some(content) });
            seen.push(Seen { path: path.clone(), file });
        }
        Ok(seen)
    }

    fn errand<'a>(&'a self, user: &'a str) -> Result<Errand<'a>, PostgresError> {
        let key = self.key.as_ref().ok_or(PostgresError::KeyMissing)?;
        Ok(Errand { user, schema: self.schema(), key })
    }

    fn schema(&self) -> Option<&str> {
        self.url.wishes().schema.as_deref()
    }

    async fn connect(&self) -> Result<Session, PostgresError> {
        session::connect(&self.url, &self.environment).await
    }
}

/// The connection that several rows share. It is made when it is first needed, made anew where it broke, and given up where
/// the server doesn't answer: each further row would wait as long for nothing.
#[derive(Default)]
struct Line {
    session: Option<Session>,
    given_up: Option<PostgresError>,
}

impl Line {
    async fn session(&mut self, postgres: &Postgres) -> Result<&mut Session, PostgresError> {
        if let Some(error) = &self.given_up {
            return Err(error.clone());
        }
        let session = match self.session.take() {
            Some(session) => session,
            None => postgres.connect().await.inspect_err(|error| self.given_up = Some(error.clone()))?,
        };
        Ok(self.session.insert(session))
    }

    fn heard(&mut self, error: &PostgresError) {
        if error.ends_the_line() {
            self.session = None;
        }
        if matches!(error, PostgresError::Hangs { .. }) {
            self.given_up = Some(error.clone());
        }
    }

    async fn end(self) {
        if let Some(session) = self.session {
            session.end().await;
        }
    }
}
