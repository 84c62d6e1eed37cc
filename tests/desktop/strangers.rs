//! Pages in the window of a sign-in that are no provider's: one that heads to Google, and one that tries to call the app.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::Html;
use axum::routing::{any, get};
use bed::webdriver::invoke;
use serde_json::json;

use crate::google::client;
use crate::session::{Session, phase, signing_in, until};

/// What a page reported, a line each.
type Reports = Arc<Mutex<Vec<String>>>;

/// A provider whose page is this; what is posted to `/report` is kept. It ends with the runtime of the test.
async fn provider(page: &'static str) -> (String, Reports) {
    let reports = Reports::default();
    let kept = reports.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let report = move |body: String| async move { kept.lock().unwrap().push(body) };
    let router =
        Router::new().route("/oauth/authorize", get(move || async move { Html(page) })).route("/report", any(report));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, reports)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_google_goes_on_in_the_browser() {
    for page in [
        "<script>location.href = 'https://accounts.google.com/o/oauth2/v2/auth?x=y'</script>",
        "<form action='https://accounts.google.com/signin' method=post></form><script>document.forms[0].submit()</script>",
    ] {
        let (url, _) = provider(page).await;
        let mut session = Session::new(&url);
        let trace = session.home.path().join("browser-trace");
        let page = session.open(&[]).await;
        invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
        let told = phase(&page, "google").await;
        session.shows_no("Sign in").await;
        let address = told["url"].as_str().unwrap().to_owned();
        // The browser was given the same question: the same state, the same challenge, the same redirect.
        until("the browser is opened", async || {
            std::fs::read_to_string(&trace).is_ok_and(|it| it.lines().any(|line| line == address))
        })
        .await;
        // And its answer is awaited.
        let given: url::Url = address.parse().unwrap();
        let of = |name: &str| given.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let answer = format!("{}?error=access_denied&state={}", of("redirect_uri"), of("state"));
        let browser = client().build().unwrap();
        let landed = tokio::spawn(async move { browser.get(answer).send().await.unwrap().text().await.unwrap() });
        phase(&page, "failed").await;
        assert!(landed.await.unwrap().contains("That did not work"));
    }
}

/// Tries every way to a command that a page has, says what came of each, and that it is through.
const HOSTILE: &str = r#"<!doctype html><title>hostile</title><script>
const say = (line) => fetch("/report", { method: "POST", body: line });
const within = (promise) => Promise.race([promise, new Promise((_, no) => setTimeout(() => no("no answer"), 1500))]);
const commands = [
  ["view", {}], ["sign_out", { account: "default" }], ["set_paused", { on: true }], ["open_url", { url: "https://claude.com" }],
  ["sign_in_cancel", {}], ["plugin:event|listen", { event: "view", target: { kind: "Any" }, handler: 1 }],
  ["plugin:event|emit", { event: "page", payload: "problems" }], ["plugin:shell|execute", { program: "true", args: [], options: {} }],
  ["plugin:window|close", { label: "main" }], ["plugin:webview|create_webview_window", { options: { label: "x", url: "/" } }],
];
const tried = [];
const attempt = async (way, command, call) => {
  try {
    await say(`CALLED ${way} ${command}: ${JSON.stringify(await within(Promise.resolve().then(call)))}`);
  } catch (why) {
    await say(`refused ${way} ${command}: ${why}`);
  }
};
(async () => {
  const internals = window.__TAURI_INTERNALS__;
  await say(`internals ${typeof internals}`);
  for (const [command, args] of commands) {
    await attempt("invoke", command, () => internals.invoke(command, args));
    await attempt("fetch", command, async () => {
      const headers = { "Content-Type": "application/json", "Tauri-Callback": "1", "Tauri-Error": "2", Origin: "tauri://localhost" };
      const key = internals?.metadata ? { "Tauri-Invoke-Key": String(internals.__key ?? "") } : {};
      const answer = await fetch(`ipc://localhost/${encodeURIComponent(command)}`, { method: "POST", headers: { ...headers, ...key }, body: JSON.stringify(args) });
      if (!answer.ok || answer.headers.get("Tauri-Response") !== "ok") throw `${answer.status} ${await answer.text()}`;
      return await answer.text();
    });
    await attempt("message", command, async () => {
      const back = new Promise((yes) => { window._1 = yes; window._2 = () => {}; });
      const message = JSON.stringify({ cmd: command, callback: 1, error: 2, payload: args, options: {}, __TAURI_INVOKE_KEY__: "" });
      if (internals?.postMessage) internals.postMessage({ cmd: command, callback: 1, error: 2, payload: args, options: {} });
      window.ipc?.postMessage?.(message);
      window.webkit?.messageHandlers?.ipc?.postMessage?.(message);
      window.postMessage(message, "*");
      return await back;
    });
  }
  for (const to of ["tauri://localhost/index.html", "file:///etc/passwd", "data:text/html,x"]) {
    const frame = document.createElement("iframe");
    frame.src = to;
    document.body?.append(frame) ?? document.documentElement.append(frame);
    window.open(to);
  }
  await say("through");
  location.href = "tauri://localhost/index.html";
  setTimeout(() => say(`still at ${location.protocol}`), 500);
})();
</script>"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_page_can_call_nothing() {
    let (url, reports) = provider(HOSTILE).await;
    let mut session = Session::new(&url);
    let page = session.open(&[]).await;
    invoke(&page, "sign_in", json!({"account": "default", "way": "window"})).await.unwrap();
    until("the page has tried all it knows", async || {
        let reports = reports.lock().unwrap();
        reports.iter().any(|line| line.starts_with("still at") || line.starts_with("CALLED"))
    })
    .await;
    session.shoot("hostile");
    let reports = reports.lock().unwrap().clone();
    let called: Vec<_> = reports.iter().filter(|line| line.starts_with("CALLED")).collect();
    assert!(called.is_empty(), "{called:#?}");
    assert!(reports.contains(&"still at http:".to_owned()), "{reports:#?}");
    assert_eq!(reports.iter().filter(|line| line.starts_with("refused")).count(), 30, "{reports:#?}");
    // What it would have changed is as it was.
    assert_eq!(signing_in(&page).await["phase"], "waiting");
    assert_eq!(invoke(&page, "view", json!({})).await.unwrap()["paused"], false);
}
