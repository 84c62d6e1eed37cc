//! What an error of the Secret Service, or of the way to it, means.

use zbus::fdo;

use crate::vault::VaultError;

pub(super) fn meaning(error: &secret_service::Error) -> VaultError {
    use secret_service::Error as Said;
    match error {
        Said::Unavailable => absent_service(),
        // A prompt that can't be shown counts as dismissed. Where there is a screen, a person did it.
        Said::Prompt if has_screen() => VaultError::Denied,
        Said::Prompt | Said::PromptDisconnected | Said::Locked | Said::NoResult => VaultError::Locked,
        Said::Zbus(zbus::Error::FDO(error)) => bus(error),
        Said::ZbusFdo(fdo::Error::ZBus(error)) | Said::Zbus(error) => method(error),
        Said::ZbusFdo(error) => bus(error),
        other => VaultError::Other(other.to_string()),
    }
}

/// What the bus itself says.
fn bus(error: &fdo::Error) -> VaultError {
    match error {
        fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_) => absent_service(),
        fdo::Error::AccessDenied(_) | fdo::Error::AuthFailed(_) => VaultError::Denied,
        fdo::Error::ZBus(error) => method(error),
        other => VaultError::Other(other.to_string()),
    }
}

/// What the service, or the way to it, says.
fn method(error: &zbus::Error) -> VaultError {
    match error {
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.Secret.Error.IsLocked" => VaultError::Locked,
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                absent_service()
            }
            "org.freedesktop.DBus.Error.AccessDenied" => VaultError::Denied,
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => {
                VaultError::Absent("its service could not be started".to_owned())
            }
            _ => VaultError::Other(error.to_string()),
        },
        other => VaultError::Other(other.to_string()),
    }
}

fn absent_service() -> VaultError {
    VaultError::Absent("nothing on the D-Bus session offers org.freedesktop.secrets".to_owned())
}

fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
