//! Plays the browser of the demo's sign-in: an HTTP client that goes where it is sent, and reads the page at the end.

use std::time::Duration;

use super::failed;
use crate::outcome::Failure;

/// Everything happens on this machine, so what takes longer hangs.
const PAGE_WITHIN: Duration = Duration::from_secs(20);

/// Opens an address, follows every redirect, and gives the heading of the page where that ends.
pub(super) async fn visit(address: String) -> Result<String, Failure> {
    // An error means that another part of the program has chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let page = async {
        let browser = reqwest::Client::builder().no_proxy().timeout(PAGE_WITHIN).build()?;
        browser.get(address).send().await?.error_for_status()?.text().await
    };
    // The address that went wrong may hold the code.
    let page = page.await.map_err(|why| failed(format!("The browser's part failed: {}.", why.without_url())))?;
    heading(&page).map(str::to_owned).ok_or_else(|| failed("The browser landed on a page without a heading."))
}

fn heading(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<h1>")?;
    rest.split_once("</h1>").map(|(heading, _)| heading)
}

#[cfg(test)]
mod tests {
    use super::heading;

    #[test]
    fn the_heading_is_read() {
        assert_eq!(heading("<main>\n<h1>Good</h1><p>more</p>"), Some("Good"));
        assert_eq!(heading("<title>Good</title>"), None);
    }
}
