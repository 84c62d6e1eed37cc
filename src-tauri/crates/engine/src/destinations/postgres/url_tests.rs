use std::path::PathBuf;

use tokio_postgres::config::Host;

use super::super::url::{PostgresUrl, Roots, TlsMode};
use crate::secret::SecretString;

fn url(text: &str) -> PostgresUrl {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What a person is told of a text that is refused; never a word of the canary.
fn refused(text: &str) -> String {
    let error = text.parse::<PostgresUrl>().expect_err(text);
    let told = format!("{error} {error:?}");
    assert!(!told.contains("canary") && !told.contains("ss-word"), "{told}");
    told
}

#[test]
fn the_password_is_taken_out_of_either_form() {
    for (text, shown, password) in [
        ("postgres://ada:canary-pass@db/x", "postgres://ada@db/x", "canary-pass"),
        (
            "postgresql://ada:can%40ry%2F%3A@db:6432/x?sslmode=require",
            "postgresql://ada@db:6432/x?sslmode=require",
            "can@ry/:",
        ),
        ("postgres://ada@db/x?password=canary&sslmode=disable", "postgres://ada@db/x?sslmode=disable", "canary"),
        ("postgres:///x?password=canary", "postgres:///x", "canary"),
        ("host=db password=canary user=ada", "host=db user=ada", "canary"),
        ("password = 'can ary\\'s \\\\' host = /run/postgresql", "host=/run/postgresql", "can ary's \\"),
        ("host=db password=can\\ ary dbname='a b'", "host=db dbname='a b'", "can ary"),
        ("postgres://ada:@db/x?user=bob&pass%77ord=canary", "postgres://ada@db/x?user=bob", "canary"),
    ] {
        let parsed = url(text);
        assert_eq!(parsed.to_string(), shown, "{text}");
        let debugged = format!("{parsed:?} {:?}", parsed.wishes());
        assert!(!debugged.contains("can"), "{debugged}");
        let (without, taken) = parsed.clone().without_password();
        assert_eq!(taken.as_ref().map(SecretString::expose), Some(password), "{text}");
        assert_eq!(without.password(), None);
        assert_eq!(without, parsed, "the same place");
        assert_eq!(without.with_password(SecretString::new("other")).password().unwrap().expose(), "other");
        assert_eq!(url(shown).to_string(), shown, "as it is kept in the settings");
        assert_eq!(url(shown).password(), None);
    }
    for none in ["postgres://ada:@db/x", "postgres://db", "host=db password=''"] {
        assert_eq!(url(none).password(), None, "{none}");
    }
}

#[test]
fn a_password_that_is_not_written_as_it_must_be_is_refused_and_not_shown() {
    for text in [
        "postgres://ada:canary@ss-word@db/x",
        "postgres://ada:canary/ss-word@db/x",
        "postgres://ada:canary?ss-word@db/x",
        "postgres://ada@db/x?password=canary&ss-word=1",
        "postgres://ada@db/x?password=canary&ss-word",
        "postgres://ada:canary%FFss-word@db/x",
        "postgres://ada:canary",
        "host=db password=canary ss-word user=ada",
        "host=db password=canary ss-word=1",
        "host=db password='canary'ss-word",
        "host=db password='canary ss-word",
        "mysql://ada:canary@db/x",
        "canary",
        "",
    ] {
        refused(text);
    }
}

#[test]
fn hosts_and_sessions_are_read_as_libpq_reads_them() {
    let config = |text| url(text).wishes().config.clone();
    let two = config("postgres://ada@one,two:6432/x?target_session_attrs=read-write");
    assert_eq!(two.get_hosts(), [Host::Tcp("one".to_owned()), Host::Tcp("two".to_owned())]);
    assert_eq!((two.get_ports(), two.get_user(), two.get_dbname()), (&[5432, 6432][..], Some("ada"), Some("x")));
    for text in ["postgres:///x?host=/run/postgresql", "host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/x"] {
        assert_eq!(config(text).get_hosts(), [Host::Unix("/run/postgresql".into())], "{text}");
    }
    assert_eq!(config("postgres://[::1]:6432/x").get_hosts(), [Host::Tcp("::1".to_owned())]);
    assert!(refused("host=db port=canary").contains("port"));
    assert!(refused("host=a,b port=1,2,3").contains("as many ports"));
    assert!(refused("host=a hostaddr=127.0.0.1,127.0.0.2").contains("hostaddr"));
    assert!(refused("host=db channel_binding=require").contains("verify-full"));
    assert!(refused("service=litellm").contains("service is not supported"));
}

#[test]
fn tls_is_read_as_libpq_reads_it() {
    let tls = |text: &str| url(text).wishes().tls.clone();
    assert_eq!(tls("postgres://db").mode, TlsMode::Prefer);
    for (word, mode) in [
        ("disable", TlsMode::Disable),
        ("allow", TlsMode::Allow),
        ("prefer", TlsMode::Prefer),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ] {
        assert_eq!(tls(&format!("postgres://db/x?sslmode={word}")).mode, mode);
        assert_eq!(tls(&format!("host=db sslmode='{word}'")).mode, mode);
    }
    assert!(refused("postgres://db?sslmode=verify").contains("verify-full"));
    let papers = tls("postgres://db/x?sslmode=verify-ca&sslrootcert=/a%20b/ca.pem&sslcert=c.pem&sslkey=k.pem");
    assert_eq!(papers.roots, Some(Roots::File(PathBuf::from("/a b/ca.pem"))));
    assert_eq!((papers.certificate, papers.key), (Some("c.pem".into()), Some("k.pem".into())));
    let system = tls("host=db sslrootcert=system");
    assert_eq!((system.mode, system.roots), (TlsMode::VerifyFull, Some(Roots::System)));
    assert!(refused("host=db sslrootcert=system sslmode=require").contains("verify-full"));
    assert_eq!(tls("postgres://db/x?ssl=true").mode, TlsMode::Require);
}

#[test]
fn what_litellm_s_own_address_has_for_prisma_is_taken() {
    let prisma = url("postgresql://ada@db/x?schema=llm&connection_limit=10&pool_timeout=60&pgbouncer=true");
    assert_eq!(prisma.wishes().schema.as_deref(), Some("llm"));
    assert!(prisma.to_string().ends_with("&pgbouncer=true"), "{prisma}");
}
