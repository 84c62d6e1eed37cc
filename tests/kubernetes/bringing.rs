//! Parcels to carry, and what became of them.

use engine::destinations::kubernetes::Clusters;
use engine::destinations::{
    Change, Compose, DeliveryError, FileReceipt, Outcome, OwnerChoice, Parcel, ParcelFile, Receipt, Undelivered,
};
use engine::secret::SecretBytes;

/// The Secret that most tests are about.
pub(crate) const PLACE: &str = "team/claude-auth";
/// The file that most tests are about.
pub(crate) const FILE: &str = ".credentials.json";

pub(crate) fn parcel(destination: &str, files: Vec<(&str, Compose)>) -> Parcel {
    let files = files.into_iter().map(|(path, compose)| ParcelFile { path: path.to_owned(), mode: 0o600, compose });
    Parcel {
        destination: destination.to_owned(),
        root: PLACE.to_owned(),
        owner: OwnerChoice::Auto,
        files: files.collect(),
    }
}

/// Puts this there, whatever lay there.
pub(crate) fn writing(content: &str) -> Compose {
    let content = content.to_owned();
    Box::new(move |_| Ok(Change::Write(SecretBytes::new(content.clone().into_bytes()))))
}

/// Adds to what lies there.
pub(crate) fn adding(content: &'static str) -> Compose {
    Box::new(move |existing| {
        let mut whole = existing.unwrap_or_default().to_vec();
        whole.extend_from_slice(content.as_bytes());
        Ok(Change::Write(SecretBytes::new(whole)))
    })
}

pub(crate) fn removing() -> Compose {
    Box::new(|_| Ok(Change::Remove))
}

pub(crate) async fn carry(clusters: &Clusters, parcel: Parcel) -> Result<Receipt, Undelivered> {
    let cluster = clusters.cluster(None).await?;
    let mut carried = cluster.carry(vec![parcel]).await;
    assert_eq!(carried.len(), 1);
    carried.remove(0).1
}

/// Brings one file, and says what became of it.
pub(crate) async fn bring(clusters: &Clusters, content: &str) -> Result<Outcome, DeliveryError> {
    deliver(clusters, writing(content)).await
}

pub(crate) async fn deliver(clusters: &Clusters, compose: Compose) -> Result<Outcome, DeliveryError> {
    let carried = carry(clusters, parcel("web", vec![(FILE, compose)])).await;
    carried.map(|receipt| receipt.files[0].outcome).map_err(|undelivered| undelivered.error)
}

pub(crate) fn outcomes(files: &[FileReceipt]) -> Vec<(&str, Outcome)> {
    files.iter().map(|file| (file.path.as_str(), file.outcome)).collect()
}
