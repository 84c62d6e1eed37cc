//! Addresses of engines over SSH: `ssh://[user@]host[:port][/path/of/socket]`, as the docker CLI reads them.

use std::fmt;

use url::Url;

/// Where an engine is reached over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::destinations::docker) struct SshAddress {
    user: Option<String>,
    /// A host's name or number, or an alias out of ssh's settings.
    host: String,
    port: Option<u16>,
    /// The engine's socket over there, where it is not the one that docker would use there.
    socket: Option<String>,
}

impl SshAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence that holds no password.
    pub(in crate::destinations::docker) fn parse(address: &str) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| format!("An address over SSH can't be read: {error}."))?;
        if url.password().is_some() {
            return Err("An address over SSH can't hold a password.".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("\"{address}\" has something after the path."));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if !is_name(host) {
            return Err(format!("\"{address}\" names no host."));
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        if user.is_some_and(|user| !is_name(user)) {
            return Err(format!("\"{address}\" names no user."));
        }
        let socket = Some(url.path()).filter(|path| !["", "/"].contains(path));
        if socket.is_some_and(|path| path.contains(['%', '\''])) {
            return Err(format!("\"{address}\" has a path that can't be used."));
        }
        let owned = str::to_owned;
        Ok(Self { user: user.map(owned), host: owned(host), port: url.port(), socket: socket.map(owned) })
    }

    /// The words that name the host to ssh.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(user) = &self.user {
            words.extend(["-l".to_owned(), user.clone()]);
        }
        if let Some(port) = self.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        words.extend(["--".to_owned(), self.host.clone()]);
        words
    }

    /// What is run over there.
    pub(super) fn command(&self) -> String {
        match &self.socket {
            None => "docker system dial-stdio".to_owned(),
            // In quotes where some shell could read something into it; only then, as Windows' own knows no such quotes.
            Some(path) if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c)) => {
                format!("docker --host=unix://{path} system dial-stdio")
            }
            Some(path) => format!("docker '--host=unix://{path}' system dial-stdio"),
        }
    }

    /// Who signs in where, as ssh takes it: `me@host`.
    fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }

    /// The line by which a person signs in: `ssh -p 2222 me@host`.
    pub(super) fn line(&self) -> String {
        match self.port {
            Some(port) => format!("ssh -p {port} {}", self.login()),
            None => format!("ssh {}", self.login()),
        }
    }

    /// The host, as ssh's list of known ones has it: `[host]:2222`.
    pub(super) fn known_as(&self) -> String {
        match self.port {
            Some(port) if port != 22 => format!("[{}]:{port}", self.host),
            _ => self.host.clone(),
        }
    }

    /// What the host is called in sentences.
    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

/// Whether it can only be a name: never an option, nor something for a shell, nor one of ssh's `%` words.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "._-:@+".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> SshAddress {
        SshAddress::parse(address).unwrap()
    }

    #[test]
    fn every_part_is_found_and_shown_again() {
        for address in [
            "ssh://host",
            "ssh://me@host",
            "ssh://me@host:2222",
            "ssh://host:2222/run/user/1000/docker.sock",
            "ssh://me@[::1]:22",
            "ssh://build_box.local",
        ] {
            assert_eq!(read(address).to_string(), address);
        }
        assert_eq!(read("ssh://host/").to_string(), "ssh://host", "no path");
    }

    #[test]
    fn ssh_gets_words_that_can_be_nothing_else() {
        assert_eq!(read("ssh://host").arguments(), ["--", "host"]);
        assert_eq!(read("ssh://me@[fe80::1]:2222").arguments(), ["-l", "me", "-p", "2222", "--", "fe80::1"]);
        assert_eq!(read("ssh://host").command(), "docker system dial-stdio");
        let elsewhere = read("ssh://host/run/user/1000/docker.sock");
        assert_eq!(elsewhere.command(), "docker --host=unix:///run/user/1000/docker.sock system dial-stdio");
        assert_eq!(read("ssh://host/a;b").command(), "docker '--host=unix:///a;b' system dial-stdio");
    }

    #[test]
    fn a_person_gets_the_line_to_run() {
        assert_eq!(read("ssh://me@host:2222").line(), "ssh -p 2222 me@host");
        assert_eq!(read("ssh://host").line(), "ssh host");
        assert_eq!(read("ssh://me@host:2222").known_as(), "[host]:2222");
        assert_eq!(read("ssh://host:22").known_as(), "host");
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_is_not_repeated() {
        for bad in [
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://-l@host",
            "ssh://a b",
            "ssh://host?x",
            "ssh://host#x",
            "ssh://host/a'b",
            "ssh://host/a b",
            "ssh://%61",
            "ssh://me;x@host",
            "ssh://host:99999",
        ] {
            assert!(SshAddress::parse(bad).unwrap_err().ends_with('.'), "{bad}");
        }
        assert!(!SshAddress::parse("ssh://me:secret@host").unwrap_err().contains("secret"));
    }
}
