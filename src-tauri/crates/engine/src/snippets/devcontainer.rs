//! For a `devcontainer.json`.

use serde_json::{Map, Value, json};

use super::Parts;
use crate::destinations::docker::survey::ACCOUNT_LABEL;

pub(super) fn text(parts: &Parts<'_>) -> String {
    let Parts { wish, volume, variable, folder, label, .. } = parts;
    let mut file = Map::new();
    if let Some(image) = &wish.image {
        file.insert("image".to_owned(), json!(image.as_str()));
    }
    let mode = if wish.read_only { ",readonly" } else { "" };
    let mount = format!("type=volume,source={volume},target={}{mode}", wish.mount);
    file.insert("mounts".to_owned(), json!([mount]));
    file.insert("containerEnv".to_owned(), json!({ *variable: folder }));
    if let Some(account) = label {
        file.insert("runArgs".to_owned(), json!([format!("--label={ACCOUNT_LABEL}={account}")]));
    }
    format!("{:#}\n", Value::Object(file))
}
