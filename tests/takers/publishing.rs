//! Puts a token into a folder as each format has it, at once: what a reader may rely on.

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use serde_json::json;

use crate::scene::Token;

/// For LiteLLM, and whatever reads a file. There is no line break at its end: LiteLLM 1.109.1 sends what it reads as it is.
pub(crate) fn token_file(folder: &Path, token: &Token) {
    put(folder, "access_token", &token.text, 0o600);
}

/// For Claude Code, and what starts one.
pub(crate) fn claude_code(folder: &Path, token: &Token) {
    let credentials = json!({ "claudeAiOauth": {
        "accessToken": token.text,
        "expiresAt": token.ends.as_millisecond(),
        "scopes": token.scopes,
        "subscriptionType": "max",
    } });
    put(folder, ".credentials.json", &credentials.to_string(), 0o600);
}

/// For Anthropic's SDKs.
pub(crate) fn anthropic_profile(folder: &Path, token: &Token) {
    let config = json!({ "version": "1.0", "authentication": { "type": "user_oauth" } });
    put(folder, "configs/default.json", &config.to_string(), 0o644);
    let credentials = json!({
        "version": "1.0",
        "type": "oauth_token",
        "access_token": token.text,
        "expires_at": token.ends.as_second(),
    });
    put(folder, "credentials/default.json", &credentials.to_string(), 0o600);
}

/// For what reads variables.
pub(crate) fn dotenv(folder: &Path, token: &Token) {
    put(folder, ".env", &format!("CLAUDE_CODE_OAUTH_TOKEN={}\n", token.text), 0o600);
}

/// For the fork of LiteLLM that the older documents describe.
pub(crate) fn litellm_tokens(folder: &Path, token: &Token) {
    let tokens = json!({
        "accessToken": token.text,
        "refreshToken": "",
        "expiresAt": token.ends.as_second(),
        "scopes": token.scopes,
        "isMax": true,
    });
    put(folder, "claude_tokens.json", &tokens.to_string(), 0o600);
}

fn put(folder: &Path, name: &str, content: &str, mode: u32) {
    let path = folder.join(name);
    let parent = path.parent().expect("it lies in a folder");
    fs::create_dir_all(parent).expect("a folder should be made");
    let new = parent.join(".new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&new).expect("a file should be made");
    std::io::Write::write_all(&mut file, content.as_bytes()).expect("the disk should take it");
    file.set_permissions(fs::Permissions::from_mode(mode)).expect("it is ours");
    fs::rename(new, path).expect("it is the same folder");
}
