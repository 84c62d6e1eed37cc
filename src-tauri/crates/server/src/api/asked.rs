//! What is asked: the account, the body. Read strictly, and refused in the words of every other problem.

use engine::account::AccountName;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::Problem;

/// The account in the query, if it names one. Nothing else is taken there.
pub(crate) fn account(uri: &Uri) -> Result<Option<AccountName>, Problem> {
    let mut named = None;
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name != "account" || named.is_some() {
            return Err(Problem::bad_request("The query may name one `account`, and nothing else."));
        }
        named = Some(value.parse().map_err(|why: engine::BadWord| Problem::bad_request(why.to_string()))?);
    }
    Ok(named)
}

/// The body, where it is said to be JSON and is what is wanted here.
pub(crate) fn body<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    let said = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media_type = said.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::not_json());
    }
    // Its own words would quote the body, which may hold a code.
    serde_json::from_slice(body).map_err(|_| Problem::bad_request("The body is not the JSON that is wanted here."))
}
