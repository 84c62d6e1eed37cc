//! The courier's image in the engine: imported where it is missing, once at a time, anew where it is broken.

use std::collections::HashMap;

use bollard::models::ImageSummary;
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use courier::{Architecture, Image};
use futures_util::TryStreamExt;

use super::{COURIER_LABEL, Docker, EngineError};

impl Docker {
    /// The image for the engine's machine. Whether the engine has it is not asked: creating a container tells.
    pub(super) async fn image(&self) -> Result<&Image, EngineError> {
        self.image
            .get_or_try_init(|| async {
                let architecture = Architecture::named(&self.identity().await?.machine).map_err(|error| {
                    EngineError::Architecture { shown: self.reach.shown.clone(), architecture: error.0 }
                })?;
                courier::image(architecture)
                    .map_err(|error| EngineError::Broken { shown: self.reach.shown.clone(), reason: error.to_string() })
            })
            .await
    }

    /// Imports the image, in place of one under its tag that can't be used: with the containerd image store a failed
    /// import leaves its tag behind.
    pub(super) async fn import(&self, image: &Image) -> Result<(), EngineError> {
        let reference = image.reference();
        // Most often it is missing, which is why we are here.
        let _ = self.api.remove_image(&reference, None::<RemoveImageOptions>, None).await;
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            // podman overlooks the tag where it stands by itself.
            .repo(if self.is_podman().await { &reference } else { image.repository })
            .tag(&image.tag)
            .changes(vec![format!("LABEL {COURIER_LABEL}=1")])
            .build();
        let body = bollard::body_full(image.archive.clone().into());
        let import = self.api.create_image(Some(options), Some(body), None).try_collect::<Vec<_>>();
        self.call("import the courier's image", import).await.map(drop)
    }

    /// Whether the engine holds an image of ours, of this version or another. Where it does not, and a delivery was
    /// to leave nothing behind, [`leave`](Self::leave) is called after it.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn has_image(&self) -> Result<bool, EngineError> {
        Ok(!self.images().await?.is_empty())
    }

    /// Removes images of ours: all, or those that this version does not use. One that another process is using stays.
    pub(super) async fn remove_images(&self, keep: Option<&Image>) -> Result<(), EngineError> {
        for found in self.images().await? {
            if keep.is_some_and(|image| found.repo_tags.iter().any(|name| is_called(name, &image.reference()))) {
                continue;
            }
            for name in names(found) {
                let _ = self.api.remove_image(&name, None::<RemoveImageOptions>, None).await;
            }
        }
        Ok(())
    }

    async fn images(&self) -> Result<Vec<ImageSummary>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![COURIER_LABEL.to_owned()])]);
        let options = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
        self.call("list images", self.api.list_images(Some(options))).await
    }
}

/// Whether a tag is this reference: podman puts a registry before it.
fn is_called(tag: &str, reference: &str) -> bool {
    tag.strip_suffix(reference).is_some_and(|registry| registry.is_empty() || registry.ends_with('/'))
}

/// By which names an image is removed: each of its tags, or its id where it has none.
fn names(image: ImageSummary) -> Vec<String> {
    // As engines of old list an image whose tag was taken over by another import.
    const UNTAGGED: &str = "<none>:<none>";
    let tags: Vec<String> = image.repo_tags.into_iter().filter(|tag| tag != UNTAGGED).collect();
    if tags.is_empty() { vec![image.id] } else { tags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_with_and_without_a_registry() {
        assert!(is_called("tokenferry-courier:1", "tokenferry-courier:1"));
        assert!(is_called("docker.io/library/tokenferry-courier:1", "tokenferry-courier:1"));
        assert!(!is_called("not-tokenferry-courier:1", "tokenferry-courier:1"));
    }

    #[test]
    fn an_image_without_a_tag_is_removed_by_its_id() {
        let names = |tags: &[&str]| {
            let repo_tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            names(ImageSummary { id: "sha256:1".to_owned(), repo_tags, ..ImageSummary::default() })
        };
        assert_eq!(names(&["a:1", "b:2"]), ["a:1", "b:2"]);
        assert_eq!(names(&[]), ["sha256:1"], "as newer engines list it");
        assert_eq!(names(&["<none>:<none>"]), ["sha256:1"], "as 20.10 lists it");
    }
}
