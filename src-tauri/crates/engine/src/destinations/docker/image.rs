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
                let version = self.call("tell its version", self.api.version()).await?;
                let machine = version.arch.unwrap_or_default();
                let architecture = Architecture::named(&machine).map_err(|error| EngineError::Architecture {
                    shown: self.reach.shown.clone(),
                    architecture: error.0,
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
            .repo(image.repository)
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
            if keep.is_some_and(|image| found.repo_tags.contains(&image.reference())) {
                continue;
            }
            let names = if found.repo_tags.is_empty() { vec![found.id] } else { found.repo_tags };
            for name in names {
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
