//! What every answer says to browsers: load nothing from elsewhere, be shown in no other page, keep nothing.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For programs.
    Data,
    /// Shown by a browser.
    Page,
}

const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const DATA: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NOTHING: HeaderValue = HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Adds them. `is_tls` where this server itself speaks TLS.
pub(crate) fn dress(headers: &mut HeaderMap, kind: Kind, is_tls: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    match kind {
        // It says all that counts where nothing is shown, and programs are told no more than they need.
        Kind::Data => drop(headers.insert(CONTENT_SECURITY_POLICY, DATA)),
        Kind::Page => {
            headers.insert(CONTENT_SECURITY_POLICY, PAGE);
            headers.insert(X_FRAME_OPTIONS, DENY);
            headers.insert(REFERRER_POLICY, NO_REFERRER);
            headers.insert(OPENER_POLICY, SAME_ORIGIN);
            headers.insert(PERMISSIONS_POLICY, NOTHING);
        }
    }
    if is_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
}
