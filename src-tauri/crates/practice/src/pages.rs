//! The pages that a browser gets to see. Each says PRACTICE, and needs nothing from anywhere else.

use std::collections::HashMap;

use axum::response::Html;

use crate::options::Person;

const LAYOUT: &str = include_str!("pages/layout.html");
const STYLE: &str = include_str!("pages/style.css");
const AUTHORIZE: &str = include_str!("pages/authorize.html");
const PERSON: &str = include_str!("pages/person.html");
const CODE: &str = include_str!("pages/code.html");
const REFUSED: &str = include_str!("pages/refused.html");
const GATEWAY: &str = include_str!("pages/gateway.html");

/// Asks which person signs in, `wanted` being chosen already.
pub(crate) fn authorize(people: &[Person], wanted: &str, scopes: &[String]) -> Html<String> {
    let people: String = people
        .iter()
        .map(|person| {
            let checked = if person.email == wanted { "checked" } else { "" };
            let (email, name) = (escape(&person.email), escape(&person.full_name));
            let organization = escape(&person.organization_name);
            fill(PERSON, &[("email", &email), ("name", &name), ("organization", &organization), ("checked", checked)])
        })
        .collect();
    let scopes: String = scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escape(scope))).collect();
    page("Authorize", &fill(AUTHORIZE, &[("people", &people), ("scopes", &scopes)]))
}

/// Shows `code#state` to be copied, in the element with the id `code`.
pub(crate) fn code(code_and_state: &str) -> Html<String> {
    page("Your code", &fill(CODE, &[("code", &escape(code_and_state))]))
}

/// Says why there is no code.
pub(crate) fn refused(why: &str) -> Html<String> {
    page("Refused", &fill(REFUSED, &[("why", &escape(why))]))
}

/// What a gateway or a captive portal would show in place of an answer.
pub(crate) fn gateway() -> &'static str {
    GATEWAY
}

fn page(title: &str, body: &str) -> Html<String> {
    Html(fill(LAYOUT, &[("title", title), ("style", STYLE), ("body", body)]))
}

/// Puts values, which must be HTML already, in place of `{{name}}`. Does not look into what it put there.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let values: HashMap<_, _> = values.iter().copied().collect();
    let mut parts = template.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        filled.push_str(values.get(name).copied().unwrap_or_default());
        filled.push_str(rest);
    }
    filled
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{code, fill};

    #[test]
    fn values_are_not_looked_into() {
        assert_eq!(fill("<{{a}}|{{b}}>", &[("a", "{{b}}"), ("b", "2")]), "<{{b}}|2>");
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let page = code("<script>alert('\"&')</script>#state").0;
        assert!(page.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"), "{page}");
    }
}
