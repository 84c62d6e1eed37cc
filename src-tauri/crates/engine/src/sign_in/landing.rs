//! The page that the browser lands on.

const PAGE: &str = include_str!("landing.html");

/// What the person is told in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    good: bool,
    title: String,
    text: String,
}

impl Landing {
    /// Signed in; `who` as it shall be shown.
    pub fn signed_in(who: &str) -> Self {
        Self::new(true, "You are signed in", &format!("{who}\nYou can close this page."))
    }

    /// It did not work; `why` in a sentence.
    pub fn failed(why: &str) -> Self {
        Self::new(false, "That did not work", &format!("{why}\nYou can close this page."))
    }

    /// The same answer came a second time.
    pub(super) fn again() -> Self {
        Self::new(true, "This sign-in is done", "Its answer has already arrived.\nYou can close this page.")
    }

    /// An answer to a question that was not asked.
    pub(super) fn of_another() -> Self {
        Self::new(false, "This is not the sign-in that was begun", "Go back to the page that Tokenferry opened.")
    }

    /// Somebody looked in.
    pub(super) fn stray() -> Self {
        Self::new(false, "Nothing is here", "Tokenferry waits at this address for a sign-in, and for nothing else.")
    }

    fn new(good: bool, title: &str, text: &str) -> Self {
        Self { good, title: title.to_owned(), text: text.to_owned() }
    }

    /// The page itself, whole and without anything from elsewhere.
    pub(super) fn html(&self) -> String {
        PAGE.replace("{mark}", if self.good { "✓" } else { "!" })
            .replace("{mood}", if self.good { "good" } else { "bad" })
            .replace("{title}", &escaped(&self.title))
            .replace("{text}", &escaped(&self.text).replace('\n', "<br>"))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        let page = Landing::signed_in("<script>alert(1)</script>").html();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains("{title}") && !page.contains("{text}"));
    }
}
