//! What every container of ours has: labels by which it is known, and volumes that are left as they are.

use std::collections::HashMap;

use bollard::models::{Mount, MountType, MountVolumeOptions};

use super::{ACCIDENT_LABEL, COURIER_LABEL, Docker, INSTALLATION_LABEL, SESSION_LABEL};

impl Docker {
    /// By these we, and other installations, know it for what it is.
    pub(super) fn labels(&self) -> HashMap<String, String> {
        HashMap::from([
            (COURIER_LABEL.to_owned(), "1".to_owned()),
            (INSTALLATION_LABEL.to_owned(), self.installation.clone()),
            (SESSION_LABEL.to_owned(), self.session.clone()),
        ])
    }

    /// A volume at a path, which the engine doesn't fill from our image.
    pub(super) fn mount(&self, volume: String, target: String) -> Mount {
        Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume),
            target: Some(target),
            volume_options: Some(MountVolumeOptions {
                no_copy: Some(true),
                // Put on a volume only if this very call creates it.
                labels: Some(HashMap::from([(ACCIDENT_LABEL.to_owned(), self.installation.clone())])),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}
