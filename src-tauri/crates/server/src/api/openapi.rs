//! The OpenAPI document, made from the code that answers.

use std::sync::LazyLock;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::{door, health, oauth, problem, standing, token};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tokenferry",
        description = "Keeps sign-ins to Claude fresh, and gives access tokens to programs that have a grant.",
    ),
    paths(
        token::give,
        oauth::start, oauth::exchange, oauth::status, oauth::refresh, oauth::sign_out,
        standing::status, standing::metrics,
        health::both, health::live, health::ready,
        door::enter, door::session, door::leave,
    ),
    components(schemas(problem::Problem)),
    modifiers(&Schemes, &ForAll),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let grant = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The key of a grant, as `tokenferry grant add` prints it."))
            .build();
        components.add_security_scheme("grant", SecurityScheme::Http(grant));
        let session = ApiKeyValue::with_description("tokenferry", "A person's session, set by `POST /session`.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let csrf = ApiKeyValue::with_description("X-CSRF-Token", "What `GET /session` tells; for changes by a person.");
        components.add_security_scheme("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    }
}

/// What may be answered to whatever is asked.
struct ForAll;

const FOR_ALL: [(&str, &str); 3] = [
    ("403", "Another site's page asks"),
    ("421", "The request names a host that is not this server"),
    ("503", "Not now"),
];

impl Modify for ForAll {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for PathItem { get, post, delete, .. } in document.paths.paths.values_mut() {
            for operation in [get, post, delete].into_iter().flatten() {
                for (status, why) in FOR_ALL {
                    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(why));
                }
            }
        }
    }
}

fn problem(why: &str) -> RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    RefOr::T(ResponseBuilder::new().description(why).content("application/problem+json", content).build())
}

/// The document as JSON.
pub fn openapi() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());
    &TEXT
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn each_operation_says_who_may_and_what_comes() {
        let document: Value = serde_json::from_str(super::openapi()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 12, "{:?}", paths.keys().collect::<Vec<_>>());
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation["security"].is_array(), "{method} {path}");
                assert!(operation["responses"].as_object().is_some_and(|it| !it.is_empty()), "{method} {path}");
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
    }
}
