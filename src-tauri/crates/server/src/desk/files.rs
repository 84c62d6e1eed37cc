//! The page's files, which are built into the program. Without them it says how to get them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use rust_embed::RustEmbed;

use crate::api::Problem;
use crate::gate::Caller;
use crate::shared::Shared;

/// Their names hold a hash of what is in them.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Tokenferry</title><p>You are in. The page was not built \
                         into this program: run <code>make page</code>, and build it again.";

const ICON: &[u8] = include_bytes!("../../../../../icons/32x32.png");

#[derive(RustEmbed)]
#[folder = "../../../ui/dist"]
#[allow_missing = true]
struct Files;

/// The page itself, for those who are in; others are led to the door.
pub(crate) async fn index(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Problem> {
    if Caller::person(&headers, &shared.engine)?.is_none() {
        return Ok(Redirect::to(&format!("{}/enter", shared.base())).into_response());
    }
    let html = Files::get("index.html").map_or(NOT_BUILT.as_bytes().into(), |file| file.data);
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], html.into_owned()).into_response())
}

/// The icon.
pub(super) async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/png")], ICON).into_response()
}

/// What it is made of. There is nothing in it that not everybody may have.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    let file = Files::get(&format!("assets/{name}")).ok_or_else(Problem::not_found)?;
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(&name)));
    headers.insert(CACHE_CONTROL, FOR_EVER);
    Ok(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
