//! What is no sign-in: a token for a year, and API keys.

use bed::{Canary, Home, Keychain, Provider, Vault};
use serde_json::json;

mod api_key;
mod one_year;

/// What a journey with a real keychain stands on.
struct Desk {
    provider: Provider,
    _keychain: Keychain,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        let (provider, keychain) = (Provider::start(), Keychain::unlocked());
        let home = Home::new().provider(&provider).vault(Vault::Keychain(keychain.address())).talkative();
        Self { provider, _keychain: keychain, home }
    }

    /// Nothing that was printed, logged or written holds a secret.
    fn search(&self) {
        let mut canary = Canary::new(self.provider.secrets());
        self.home.search(&mut canary);
        canary.assert_unseen();
    }
}

/// How the API answers a prompt with this token, or with this API key.
async fn prompted(provider: &Provider, with: &str) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client should build");
    let request = client.post(format!("{}/v1/messages", provider.url())).header("anthropic-version", "2023-06-01");
    let request = match with.starts_with("sk-ant-api") {
        true => request.header("x-api-key", with),
        false => request.bearer_auth(with).header("anthropic-beta", practice::OAUTH_BETA),
    };
    let prompt = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    request.json(&prompt).send().await.expect("an answer").status().as_u16()
}
