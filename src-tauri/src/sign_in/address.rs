//! Where the page of a sign-in may lead: a pure judgement of each address before it is asked for.

use page::is_on_this_machine;
use url::Url;

/// Google's sign-in refuses people inside of apps' windows.
const GOOGLE: &str = "accounts.google.com";
/// Below this there is what other pages show in frames, such as Google's button.
const GOOGLE_S_FRAMES: &str = "/gsi/";

/// What is done about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is loaded.
    Go,
    /// It is the answer, which is taken and not loaded.
    Answer,
    /// It is for the browser, with all of the sign-in.
    Google,
    /// It is not loaded.
    Stay,
}

/// Judges where the page heads. `redirect` is where the answer is awaited; `on_loopback` says whether the provider itself
/// is on this machine.
pub(super) fn step(to: &Url, redirect: &Url, on_loopback: bool) -> Step {
    if is_answer(to, redirect) {
        return Step::Answer;
    }
    match to.scheme() {
        "https" if to.host_str() == Some(GOOGLE) && !to.path().starts_with(GOOGLE_S_FRAMES) => Step::Google,
        "https" => Step::Go,
        "http" if on_loopback && is_on_this_machine(to) => Step::Go,
        // Frames begin there; nothing is behind it.
        "about" if matches!(to.path(), "blank" | "srcdoc") => Step::Go,
        _ => Step::Stay,
    }
}

/// Judges a window that the page would like to open: there is none, but the way to Google begins with one.
pub(super) fn new_window(to: &Url) -> Step {
    if to.scheme() == "https" && to.host_str() == Some(GOOGLE) { Step::Google } else { Step::Stay }
}

fn is_answer(to: &Url, redirect: &Url) -> bool {
    to.scheme() == redirect.scheme()
        && is_on_this_machine(to)
        && to.port_or_known_default() == redirect.port_or_known_default()
        && to.path() == redirect.path()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(to: &str, on_loopback: bool) -> Step {
        step(&to.parse().unwrap(), &"http://localhost:4711/callback".parse().unwrap(), on_loopback)
    }

    #[test]
    fn the_answer_is_taken_wherever_it_comes_from() {
        for answer in ["http://localhost:4711/callback?code=c&state=s", "http://127.0.0.1:4711/callback"] {
            assert_eq!((judged(answer, true), judged(answer, false)), (Step::Answer, Step::Answer));
        }
        for other in ["http://localhost:4712/callback", "http://localhost:4711/", "http://claude.com:4711/callback"] {
            assert_eq!(judged(other, false), Step::Stay, "{other}");
        }
    }

    #[test]
    fn google_is_for_the_browser_but_its_button_may_be_shown() {
        for google in ["https://accounts.google.com/o/oauth2/v2/auth?x=y", "https://accounts.google.com/"] {
            assert_eq!(judged(google, false), Step::Google, "{google}");
        }
        assert_eq!(judged("https://accounts.google.com/gsi/button?x=y", false), Step::Go);
        assert_eq!(new_window(&"https://accounts.google.com/gsi/select".parse().unwrap()), Step::Google);
        assert_eq!(new_window(&"https://claude.com/terms".parse().unwrap()), Step::Stay);
    }

    #[test]
    fn nothing_goes_in_the_clear_or_out_of_the_web() {
        assert_eq!(judged("https://claude.ai/login", false), Step::Go);
        for bad in ["http://claude.ai/", "tauri://localhost/", "file:///etc/passwd", "data:text/html,x", "javascript:0"]
        {
            assert_eq!((judged(bad, false), judged(bad, true)), (Step::Stay, Step::Stay), "{bad}");
        }
        assert_eq!(judged("http://localhost:1234/oauth/authorize", false), Step::Stay);
        assert_eq!(judged("http://localhost:1234/oauth/authorize", true), Step::Go);
    }
}
