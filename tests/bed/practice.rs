//! The practice provider, in the test's own process and with threads of its own, so that a test that waits for a
//! program does not keep the provider from answering it.

use std::{ops::Deref, time::Duration};

use practice::{Options, Practice};
use tokio::runtime::{self, Runtime};
use url::Url;

/// Everything happens on loopback; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running practice provider; see [`Practice`] for what can be asked of it. It stops on drop.
#[derive(Debug)]
pub struct Provider {
    // Taken out on drop only.
    runtime: Option<Runtime>,
    practice: Practice,
}

impl Provider {
    /// Starts one that authorizes on its own, as [`crate::programs::browser`] needs it.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Options { automatic: true, ..Options::default() })
    }

    /// Starts one.
    #[must_use]
    pub fn start_with(options: Options) -> Self {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("practice")
            .enable_all()
            .build()
            .expect("the system should give a thread");
        let practice = Self::wait(&runtime, Practice::start(options)).expect("the practice provider should start");
        Self { runtime: Some(runtime), practice }
    }

    /// Waits from outside or inside another runtime alike.
    fn wait<T: Send>(runtime: &Runtime, what: impl Future<Output = T> + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| runtime.block_on(what)).join().expect("it should not panic"))
    }

    /// Opens an authorize address as a browser would, presses nothing, and returns the `code#state` that the page of a
    /// pasted sign-in shows.
    pub async fn code_to_paste(&self, authorize: &str) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let browser = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client should build");
        let page = browser.get(authorize).send().await.expect("the practice provider should answer");
        let address: Url = page.url().clone();
        let named =
            |name: &str| address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        match (named("code"), named("state")) {
            (Some(code), Some(state)) => format!("{code}#{state}"),
            _ => panic!("the authorize address led to {address} ({}), which shows no code", page.status()),
        }
    }
}

impl Deref for Provider {
    type Target = Practice;

    fn deref(&self) -> &Practice {
        &self.practice
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // A runtime that is dropped by an async test would wait for its threads, which tokio forbids.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Provider;
    use crate::Home;

    /// An authorize address with the redirect of a pasted sign-in.
    fn authorize(provider: &Provider) -> String {
        let url = provider.url();
        let redirect = format!("{url}/oauth/code/callback");
        let parameters = [
            ("code", "true"),
            ("client_id", practice::CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", &redirect),
            ("scope", "user:profile user:inference"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("state", "a-state-of-this-test-alone"),
        ];
        url::Url::parse_with_params(&format!("{url}/oauth/authorize"), parameters).expect("an address").into()
    }

    #[tokio::test]
    async fn the_code_is_read_from_the_page() {
        let provider = Provider::start();
        let code = provider.code_to_paste(&authorize(&provider)).await;
        assert!(code.ends_with("#a-state-of-this-test-alone"), "{code}");
    }

    #[tokio::test]
    async fn the_browser_follows_to_the_last_page_and_leaves_a_trace() {
        let provider = Provider::start();
        let home = Home::new().provider(&provider);
        let visited = home.program("practice-browser", [authorize(&provider)]).run().await.succeeds();
        assert!(visited.stdout.contains("a-state-of-this-test-alone"), "{visited}");
        let trace = std::fs::read_to_string(home.path().join("browser-trace")).unwrap();
        assert!(trace.contains("/oauth/authorize?"), "{trace}");
    }

    #[tokio::test]
    async fn a_browser_that_is_refused_says_so() {
        let provider = Provider::start();
        let home = Home::new().provider(&provider);
        let visited = home.program("practice-browser", [format!("{}/nothing", provider.url())]).run().await;
        assert!(visited.ends_with(1).stderr.contains("404"));
    }
}
