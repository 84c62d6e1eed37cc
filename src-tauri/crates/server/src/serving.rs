//! Serving from start to end: the engine's standing work and the listeners beside it, and an end within five seconds.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use engine::journal::Event;
use engine::secret::SecretString;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::failed::Failed;
use crate::options::Options;
use crate::shared::Shared;
use crate::wire::{self, Certificate, Connections, Door};
use crate::{api, desk, watching};

/// All is over within this after the wish to end: a container's engine kills after ten seconds, and this leaves it half.
const ENDS_WITHIN: Duration = Duration::from_millis(4500);

/// Serves, and keeps everything fresh, until `stop`. `tell` is given each event; `ready` the link that lets a person in,
/// once it can be followed. Where another process keeps everything fresh, stands by and serves all the same.
///
/// # Errors
/// [`Failed`]: what was chosen is not safe or can't be had; the engine's.
pub async fn serve(
    engine: Arc<Engine>,
    options: Options,
    stop: CancellationToken,
    tell: impl Fn(&Event) + Send + Sync,
    ready: impl FnOnce(&SecretString) + Send,
) -> Result<(), Failed> {
    options.judge()?;
    let certificate = options.tls.as_ref().map(Certificate::read).transpose()?;
    let of_certificate = certificate.as_ref().map(|it| it.names.clone()).unwrap_or_default();
    let listener = TcpListener::bind(options.listen).await.map_err(|why| Failed::Address(options.listen, why))?;
    let bound = listener.local_addr().map_err(|why| Failed::Address(options.listen, why))?;
    let page = options.page(bound, &of_certificate);
    let names = options.names(&of_certificate);
    #[cfg(unix)]
    let socket = match &options.socket {
        Some(path) => Some((bind(path).map_err(|why| Failed::Socket(path.clone(), why))?, path.clone())),
        None => None,
    };

    let shared = Arc::new(Shared::new(engine.clone(), options, names, stop.clone()));
    shared.machines.load(&engine)?;
    let door = Door {
        router: api::router(shared.clone()),
        shared: shared.clone(),
        connections: Arc::new(Connections::until(stop.clone())),
        tls: certificate.map(|it| it.acceptor),
    };
    engine.served_at(&page)?;
    ready(&enter(&page, &engine.new_link()?));
    let listening = {
        let at_address = tokio::spawn(wire::at_address(listener, door.clone()));
        #[cfg(unix)]
        let at_socket = socket.map(|(listener, path)| tokio::spawn(wire::at_socket(listener, path, door)));
        async move {
            let _ = at_address.await;
            #[cfg(unix)]
            if let Some(at_socket) = at_socket {
                let _ = at_socket.await;
            }
        }
    };
    // As soon as the end has come, whatever else is under way.
    let sign_in = tokio::spawn({
        let shared = shared.clone();
        async move {
            shared.stop.cancelled().await;
            shared.desk.end().await;
        }
    });
    let work = engine.run(stop.clone(), |event| {
        shared.is_working();
        tell(event);
    });
    let done = tokio::select! {
        done = ended(&stop, work) => done,
        () = watching::watch(&shared) => Ok(()),
        () = desk::tell(&shared) => Ok(()),
    };
    // Whatever ended it: nobody is let in any more.
    stop.cancel();
    let _ = timeout(wire::ENDS_WITHIN, async { tokio::join!(sign_in, listening) }).await;
    watching::count(&shared, true);
    Ok(done?)
}

/// The work's end. After the wish to end it is waited for as long as may be: a renewal that is under way is stored.
async fn ended(
    stop: &CancellationToken,
    work: impl Future<Output = Result<(), engine::Error>>,
) -> Result<(), engine::Error> {
    tokio::pin!(work);
    tokio::select! {
        done = work.as_mut() => return done,
        () = stop.cancelled() => {}
    }
    timeout(ENDS_WITHIN, work).await.unwrap_or_else(|_| {
        tracing::warn!("what was under way did not end in time");
        Ok(())
    })
}

/// Another link to where the page was last served.
///
/// # Errors
/// [`Failed::NeverServed`]; the engine's.
pub fn link(engine: &Engine) -> Result<SecretString, Failed> {
    let page = engine.where_served()?.ok_or(Failed::NeverServed)?;
    Ok(enter(&page, &engine.new_link()?))
}

/// The key comes behind the `#`: a browser sends that to nobody, so it is in no log.
fn enter(page: &str, key: &SecretString) -> SecretString {
    SecretString::new(format!("{page}/enter#{}", key.expose()))
}

/// A socket that its owner alone can use. One that a killed process left is replaced; what else lies there is left alone.
#[cfg(unix)]
fn bind(path: &Path) -> io::Result<tokio::net::UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    match std::fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why),
        Ok(found) if !found.file_type().is_socket() => return Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => {}
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made where nobody else looks, so that it is never open to others.
    let hidden = tempfile::Builder::new().prefix(".tokenferry-").tempdir_in(folder)?;
    let made = hidden.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&made, path)?;
    Ok(listener)
}
