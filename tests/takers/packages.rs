//! The packages, and their versions.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

use bed::{npm, pypi};

/// The first that is tested of those that read a file for each request.
pub(crate) const LITELLM: &str = "litellm==1.109.1";
/// The last that is tested of those that need a callback.
pub(crate) const OLDER_LITELLM: &str = "litellm==1.106.2";

const PYTHON: pypi::Packages = pypi::Packages {
    what: "THE REAL LITELLM AND SDKS FOR PYTHON",
    requirements: include_str!("requirements.txt"),
    apart: &[LITELLM, OLDER_LITELLM],
};

const TYPESCRIPT: &str = "THE REAL ANTHROPIC SDK FOR TYPESCRIPT";

/// The SDK, and what it can't be loaded without.
const NODE: [npm::Package; 5] = [
    node(
        ("@anthropic-ai", "sdk", "1.11.0"),
        "sha512-lW16YCGJ7ItUy92hehGjuMIxvhCeW8pYi4w4jzzfo8UtRbEamagUJAzAEh1VxS6wHfDh6yB+/KE/Rqp2i6elIw==",
    ),
    node(
        ("@opentelemetry", "api", "1.10.0"),
        "sha512-lMkyes8iHrG+mk6WH7X70MdCLI2RS0FwNBY1PyQ8UemaijE2m5mv5A0Niy3HtbYTFrgkUEQjFMXmSAk2hQDuPQ==",
    ),
    node(
        ("", "standardwebhooks", "1.1.1"),
        "sha512-bCbX9ZEyFkWPsRz7Bl3NuQUJohmwGSev/yhr7vhaGPlc4AfIrspIRa6cPTBuI1ItmrTDJ4d/S2hCsfe4+vQGnQ==",
    ),
    node(
        ("@stablelib", "base64", "1.0.1"),
        "sha512-1bnPQqSxSuc3Ii6MhBysoWCg58j97aUjuCSZrGSmDxNqtytIi0k8utUenAwTZN4V5mXXYGsVUI9zeBqy+jBOSQ==",
    ),
    node(
        ("", "fast-sha256", "1.3.0"),
        "sha512-n11RGP/lrWEFI/bWdygLxhI+pVeo1ZYIVwvvPkW7azl/rOy+F3HYRZ2K5zeE9mmkhQppyv9sQFx0JM9UabnpPQ==",
    ),
];

const fn node(name: (&'static str, &'static str, &'static str), integrity: &'static str) -> npm::Package {
    let (scope, name, version) = name;
    npm::Package { what: TYPESCRIPT, scope, version, archive: Some((name, integrity)) }
}

/// Where they are kept.
fn kept() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// LiteLLM and the SDKs for Python; none, said loudly, where they can't be had.
pub(crate) async fn python() -> Option<pypi::Python> {
    PYTHON.installed(kept()).await
}

/// Packages for Node, by the names under which a program asks for them; none, said loudly, where they can't be had.
pub(crate) async fn node_modules() -> Option<Vec<(PathBuf, PathBuf)>> {
    let mut modules = Vec::new();
    for package in NODE {
        let (name, _) = package.archive.expect("they are the same everywhere");
        modules.push((Path::new(package.scope).join(name), package.files(kept()).await?));
    }
    Some(modules)
}

/// Named and shown so that nobody overlooks whether the real programs were there. See `.config/nextest.toml`.
#[tokio::test]
async fn the_real_takers_are_at_hand() {
    let begun = Instant::now();
    let (python, node) = (python().await, node_modules().await);
    let mut hand = Vec::new();
    if python.is_some() {
        let sdks =
            PYTHON.requirements.lines().filter(|line| ["anthropic=", "claude-"].iter().any(|it| line.starts_with(it)));
        hand.extend([LITELLM, OLDER_LITELLM].into_iter().chain(sdks).map(str::to_owned));
    }
    if node.is_some() {
        hand.push(format!("@anthropic-ai/sdk=={}", NODE[0].version));
    }
    if hand.is_empty() {
        return;
    }
    let line = format!("The real ones are at hand, after {:?}: {}.\n", begun.elapsed(), hand.join(", "));
    let _ = io::stderr().write_all(line.as_bytes());
}
