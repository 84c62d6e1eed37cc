//! Containers and volumes for tests.

use std::collections::BTreeMap;

use crate::destinations::docker::survey::{Container, Mount, Setup, Source, Variables, Volume};

/// A container that runs as root, with these mounts and variables.
pub(crate) fn container(name: &str, mounts: &[Mount], environment: &[&str]) -> Container {
    let environment = Variables::read(environment.iter().copied());
    let home = environment.value("HOME").unwrap_or("/root").to_owned();
    Container {
        id: format!("id-of-{name}"),
        name: name.to_owned(),
        running: true,
        mounts: mounts.to_vec(),
        setup: Some(Setup { home: Some(home), environment, ..Setup::default() }),
        ..Container::default()
    }
}

/// A volume's mount.
pub(crate) fn volume(name: &str, destination: &str) -> Mount {
    mount(Source::Volume { name: name.to_owned(), subpath: None }, destination)
}

/// A bind mount of something of which it can't be told what it is.
pub(crate) fn bind(path: &str, destination: &str) -> Mount {
    mount(Source::Bind { path: path.to_owned(), is_file: None }, destination)
}

fn mount(source: Source, destination: &str) -> Mount {
    Mount { source, destination: destination.to_owned(), read_only: false }
}

/// A volume with these labels.
pub(crate) fn labelled(name: &str, labels: &[(&str, &str)]) -> Volume {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let labels: BTreeMap<_, _> = labels.iter().map(owned).collect();
    Volume { name: name.to_owned(), driver: "local".to_owned(), labels, created: None }
}
