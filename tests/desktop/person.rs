//! A person in front of a window: finds things by what they say, clicks, types, and reads. Nothing is called behind the
//! page's back.

use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::Value;

use crate::session::until;

/// Far beyond what a page takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// What there is to read at once: no more than a person sees, or hears.
const SHOWN: &str = "const open = document.querySelector('dialog[open]');
    const parts = open ? [open] : [...document.querySelectorAll('nav, main')];
    const aloud = document.querySelector('[aria-live]');
    return [...(parts.length ? parts : [document.body]), aloud].map((it) => it?.innerText ?? '').join('\\n')";

/// Somebody who looks at one of the app's windows.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) page: Client,
}

impl Person {
    /// Clicks the button or the link that says this.
    pub(crate) async fn press(&self, says: &str) {
        let says = quoted(says);
        // A button with an explanation in it has its name in a part of its own.
        let named =
            format!("normalize-space(.)={says} or @aria-label={says} or .//span[not(*)][normalize-space(.)={says}]");
        self.click(&format!("*[self::button or self::a][{named}][not(@disabled)]")).await;
    }

    /// Goes to a page of the window by the bar at its top.
    pub(crate) async fn go(&self, page: &str) {
        self.click(&format!("nav//a[starts-with(normalize-space(.), {})]", quoted(page))).await;
        self.find(&format!("main//h1[normalize-space(.)={}]", quoted(page))).await;
    }

    /// Turns a switch.
    pub(crate) async fn turn(&self, switch: &str) {
        self.click(&switch_named(switch)).await;
    }

    /// Whether a switch is on.
    pub(crate) async fn is_on(&self, switch: &str) -> bool {
        let switch = self.find(&switch_named(switch)).await;
        switch.attr("aria-checked").await.expect("a switch should say how it is").as_deref() == Some("true")
    }

    /// Chooses one of several.
    pub(crate) async fn choose(&self, says: &str) {
        self.click(&format!("label[starts-with(normalize-space(.), {})]", quoted(says))).await;
    }

    /// Writes into the field of this name, in place of what was there.
    pub(crate) async fn write(&self, field: &str, text: &str) {
        let label = format!("label[normalize-space(.)={}]", quoted(field));
        let input = self.find(&format!("input[@id=//{label}/@for]")).await;
        input.click().await.expect("a field should take a click");
        input.clear().await.expect("a field should be emptied");
        input.send_keys(text).await.expect("a field should take letters");
    }

    /// Takes one of the field's choices.
    pub(crate) async fn select(&self, field: &str, choice: &str) {
        let label = format!("label[normalize-space(.)={}]", quoted(field));
        let select = self.find(&format!("select[@id=//{label}/@for]")).await;
        select.select_by_label(choice).await.expect("a field should have this choice");
    }

    /// Presses a key.
    pub(crate) async fn key(&self, key: Key) {
        // Where the focus is, as with a real keyboard.
        let focused = self.page.active_element().await.expect("something should have the focus");
        focused.send_keys(&key).await.expect("a key should be pressed");
    }

    /// All that can be read at the moment.
    pub(crate) async fn shown(&self) -> String {
        let shown = self.page.execute(SHOWN, vec![]).await;
        shown.ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Waits until this can be read.
    pub(crate) async fn reads(&self, text: &str) {
        let begun = Instant::now();
        while !self.shown().await.contains(text) {
            assert!(begun.elapsed() < PATIENCE, "{text:?} should be read, but there is:\n{}", self.shown().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until this can't be read any more.
    pub(crate) async fn reads_no_more(&self, text: &str) {
        until(&format!("{text:?} is gone"), async || !self.shown().await.contains(text)).await;
    }

    /// Looks at the window whose address is of this site, as soon as there is one.
    pub(crate) async fn turns_to(&self, site: &str) {
        until(&format!("a window of {site}"), async || {
            for window in self.page.windows().await.unwrap_or_default() {
                let turned = self.page.switch_to_window(window).await;
                if turned.is_ok() && self.page.current_url().await.is_ok_and(|it| it.as_str().starts_with(site)) {
                    return true;
                }
            }
            false
        })
        .await;
    }

    /// Looks at the app's own window.
    pub(crate) async fn turns_back(&self) {
        self.turns_to("tauri://localhost").await;
    }

    /// At the practice provider's page, in the window of a sign-in: says who it is, and agrees. The window closes by that.
    pub(crate) async fn authorizes_as(&self, who: &str, provider: &str) {
        self.turns_to(provider).await;
        self.choose(who).await;
        self.press_and_leave("Authorize").await;
        self.turns_back().await;
    }

    /// Clicks what closes its window, which may be gone before it has answered.
    pub(crate) async fn press_and_leave(&self, says: &str) {
        let says = quoted(says);
        let found = self.find(&format!("*[self::button or self::a][normalize-space(.)={says}]")).await;
        let _ = found.click().await;
    }

    async fn find(&self, what: &str) -> Element {
        let begun = Instant::now();
        loop {
            match self.looks_for(what).await {
                Ok(found) => return found,
                Err(why) => assert!(
                    begun.elapsed() < PATIENCE,
                    "{what} should be there: {why}\n--- the page\n{}",
                    self.shown().await
                ),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is behind an open dialog can't be reached.
    async fn looks_for(&self, what: &str) -> Result<Element, CmdError> {
        let everywhere = format!("//dialog[@open]//{what} | //body[not(.//dialog[@open])]//{what}");
        self.page.find(Locator::XPath(&everywhere)).await
    }

    /// Clicks as soon as that can be done: what has just been drawn anew is found again.
    async fn click(&self, what: &str) {
        let begun = Instant::now();
        loop {
            let clicked = async { self.looks_for(what).await?.click().await };
            match clicked.await {
                Ok(()) => return,
                Err(why) => assert!(
                    begun.elapsed() < PATIENCE,
                    "{what} should take a click: {why}\n--- the page\n{}",
                    self.shown().await
                ),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn switch_named(name: &str) -> String {
    format!("button[@role='switch'][@aria-labelledby=//span[normalize-space(.)={}]/@id]", quoted(name))
}

/// As XPath takes it. No text of the page has a straight double quote.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
