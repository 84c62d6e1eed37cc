//! The page's types are written from the Rust ones, so that what crosses to it is what it takes it for.

use std::collections::BTreeMap;
use std::path::Path;

use engine::discovery::UsedBy;
use engine::journal::Event;
use engine::provider::UsageWindow;
use engine::settings::Place;
use page::{Delivered, Found, Gone, Mended, Page, Problem, SignedOut, View};
use ts_rs::{Config, TS, TypeVisitor};

/// Where they lie, as seen from this package.
const FILE: &str = "../ui/src/lib/types.ts";
const HEAD: &str = "\
/// What crosses from the backend to the page; no token is in any of it. Times are RFC 3339 texts.
/// Written by `make types` from the Rust types: change those.
";

/// The declarations of types and of all that is in them, by name.
#[derive(Default)]
struct Declared(Config, BTreeMap<String, String>);

impl TypeVisitor for Declared {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What needs no declaration, such as a text, would be written to no file either.
        if T::output_path().is_none() {
            return;
        }
        let declaration = format!("{}export {}", T::docs().unwrap_or_default(), T::decl(&self.0).trim_end_matches(';'));
        if self.1.insert(T::ident(&self.0), tidy(&declaration)).is_none() {
            T::visit_dependencies(self);
        }
    }
}

/// As the page's other files are written: short comments, and what is inside of braces indented.
fn tidy(declaration: &str) -> String {
    let text = declaration.replace("/**\n * ", "/// ").replace("\n * ", "\n/// ").replace("\n */", "");
    let text = text.replace(", }", "\n}").replace('"', "'");
    let (mut tidied, mut depth) = (String::new(), 0_usize);
    for line in text.lines().map(str::trim) {
        let is_comment = line.starts_with("///");
        let closes = if line.starts_with('}') { 1 } else { 0 };
        let indent = "  ".repeat(depth - closes);
        tidied += &format!("{indent}{}\n", line.strip_suffix(',').filter(|_| !is_comment).unwrap_or(line));
        if !is_comment {
            depth = depth + line.matches('{').count() - line.matches('}').count();
        }
    }
    tidied
}

fn written() -> String {
    let mut declared = Declared(Config::new().with_large_int("number"), BTreeMap::new());
    declared.visit::<View>();
    declared.visit::<Page>();
    declared.visit::<Place>();
    // The answers.
    declared.visit::<Event>();
    declared.visit::<UsageWindow>();
    declared.visit::<UsedBy>();
    declared.visit::<Found>();
    declared.visit::<Gone>();
    declared.visit::<Delivered>();
    declared.visit::<SignedOut>();
    declared.visit::<Problem>();
    declared.visit::<Mended>();
    let declarations = declared.1.into_values().map(|it| format!("\n{it}"));
    format!("{HEAD}{}", declarations.collect::<String>())
}

#[test]
fn the_page_s_types_are_the_rust_ones() {
    let (written, file) = (written(), Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE));
    if std::env::var_os("WRITE_TYPES").is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap();
    assert!(there == written, "ui/src/lib/types.ts is not what the Rust types say: run `make types`.");
}
