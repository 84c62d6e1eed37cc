//! Has the page's files built in anew when there are others.

fn main() {
    const PAGE: &str = "../../../ui/dist";
    // One that isn't there counts as changed each time; where it can't be made, it does.
    let _ = std::fs::create_dir_all(PAGE);
    println!("cargo::rerun-if-changed={PAGE}");
}
