//! Volumes that were delivered to before their first container: they are filled from the image all the same.

use std::path::Path;

use bed::{TestEngine, volume::Kind};

use crate::images::with_content;
use crate::often::found;
use crate::watch::{FILE, Watch};
use crate::ways::Way;

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_with_our_file_alone_is_filled_as_an_empty_one_would_be() {
    let engine = TestEngine::get();
    let image = with_content(&engine).await;
    let (empty, volume) = (engine.volume().await, engine.volume().await);
    Way::CreateAndStart.start(&engine, &image, "node", &empty).await;
    let mut by_engine = empty.all().await;

    let watch = Watch::begin(&engine, &volume).await;
    watch.is_up_to_date().await;
    let said = Way::CreateAndStart.start(&engine, &image, "node", &volume).await;
    assert!(found(&said), "{said}");

    let mut by_us = volume.all().await;
    let file = by_us.remove(Path::new(FILE)).expect("our file");
    assert_eq!(file.rights(), (1000, 1000, 0o600));
    assert_eq!(by_us[Path::new("latest")].kind, Kind::Link("commands/greet.md".into()));
    // The engine does not keep a folder's time when it fills it.
    for found in by_us.values_mut().chain(by_engine.values_mut()).filter(|found| found.kind == Kind::Folder) {
        found.modified = 0;
    }
    assert_eq!(by_us, by_engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_a_volume_already_keeps_an_image_s_content_out() {
    let engine = TestEngine::get();
    let image = with_content(&engine).await;
    let volume = engine.volume().await;
    volume.write("theirs", b"", (0, 0, 0o644)).await;
    let watch = Watch::begin(&engine, &volume).await;
    watch.is_up_to_date().await;
    Way::CreateAndStart.start(&engine, &image, "node", &volume).await;
    let all = volume.all().await;
    assert_eq!(all.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), ["", FILE, "theirs"]);
}
