//! `~/.pgpass`: lines `host:port:database:user:password`, the first that fits counts, `*` fits all, and a backslash takes
//! the next character as it is (PostgreSQL's manual, 34.16).

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use super::environment::{Asked, Password};
use crate::secret::SecretString;

/// The password for a server. A file that is missing has none; one that others can read is passed over, as libpq does.
pub(super) fn password(file: &Path, asked: Asked<'_>) -> Password {
    let Ok(about) = fs::metadata(file) else { return Password::default() };
    if !about.is_file() {
        return Password::default();
    }
    if is_exposed(&about) {
        return Password { password: None, exposed: Some(file.to_owned()) };
    }
    let Ok(text) = fs::read_to_string(file).map(Zeroizing::new) else { return Password::default() };
    Password { password: text.lines().find_map(|line| fitting(line, asked)), exposed: None }
}

#[cfg(unix)]
fn is_exposed(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    about.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}

fn fitting(line: &str, asked: Asked<'_>) -> Option<SecretString> {
    if line.starts_with('#') {
        return None;
    }
    let (host, rest) = field(line)?;
    let (port, rest) = field(rest)?;
    let (database, rest) = field(rest)?;
    let (user, password) = field(rest)?;
    let fits = |field: &str, asked: &str| field == "*" || unescaped(field) == asked;
    let is_it = fits(host, asked.host)
        && fits(port, &asked.port.to_string())
        && fits(database, asked.database)
        && fits(user, asked.user);
    // The password may have colons of its own; what libpq takes for its end is the line's.
    is_it.then(|| SecretString::new(unescaped(password)))
}

/// Up to the next colon that no backslash stands before, and what comes after it.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            ':' => return Some((line.get(..at)?, line.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn unescaped(field: &str) -> String {
    let (mut plain, mut letters) = (String::with_capacity(field.len()), field.chars());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::super::environment::Environment;
    use super::*;

    const ASKED: Asked<'static> = Asked { host: "db", port: 5432, database: "litellm", user: "ada" };

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        (folder, file)
    }

    fn found(text: &str, asked: Asked<'_>) -> Option<String> {
        let (_folder, file) = written(text, 0o600);
        password(&file, asked).password.map(|password| password.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# db:5432:litellm:ada:no\nother:*:*:*:no\ndb:5433:*:*:no\ndb:*:litellm:ada:yes\n*:*:*:*:late\n";
        assert_eq!(found(text, ASKED).as_deref(), Some("yes"));
        assert_eq!(found(text, Asked { host: "far", ..ASKED }).as_deref(), Some("late"));
        assert_eq!(found("db:5432:litellm:bob:no\nbroken\n", ASKED), None);
    }

    #[test]
    fn a_backslash_takes_the_next_character() {
        let asked = Asked { host: "::1", user: "a\\b", ..ASKED };
        assert_eq!(found("\\:\\:1:5432:*:a\\\\b:p\\:a\\\\ss:word\n", asked).as_deref(), Some("p:a\\ss:word"));
    }

    #[test]
    fn a_file_that_others_can_read_is_passed_over_and_named() {
        let (_folder, file) = written("*:*:*:*:canary-pass\n", 0o640);
        assert_eq!(password(&file, ASKED), Password { password: None, exposed: Some(file.clone()) });
        assert_eq!(password(Path::new("/nowhere/pgpass"), ASKED), Password::default());
    }

    #[test]
    fn the_variable_comes_before_the_file_and_the_usual_socket_is_localhost() {
        let (_folder, file) = written("localhost:*:*:*:from the file\n", 0o600);
        let mut environment = Environment { passfile: Some(file.clone()), ..Environment::default() };
        let asked = Asked { host: "/var/run/postgresql", ..ASKED };
        let taken = |environment: &Environment, file: Option<&Path>, asked| {
            environment.password(file, asked).password.map(|password| password.expose().to_owned())
        };
        assert_eq!(taken(&environment, None, asked).as_deref(), Some("from the file"));
        assert_eq!(taken(&environment, None, Asked { host: "/elsewhere", ..ASKED }), None);
        assert_eq!(taken(&environment, Some(Path::new("/nowhere")), asked), None, "the address's own");
        environment.password = Some(SecretString::new("from the variable"));
        assert_eq!(taken(&environment, None, asked).as_deref(), Some("from the variable"));
    }
}
