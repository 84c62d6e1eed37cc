//! `tokenferry token` against `secret-tool lookup`: both are started cold, and read the same keychain.

use bed::{Home, Keychain, Provider, Tokenferry, Vault};
use engine::{account::AccountName, home};

use crate::{
    report::{Target, heading, line},
    scene::timed,
    turns::take_turns,
};

/// A round takes so little that there is time for many.
const MORE_ROUNDS: usize = 8;
const AT_MOST: f64 = 1.5;

/// The ways, in the order of their turns.
#[derive(Debug, Clone, Copy)]
enum Way {
    SecretTool,
    Keychain,
    File,
}

/// Measures, prints, and answers with what was aimed for.
pub(crate) async fn measure(rounds: usize) -> Vec<Target> {
    let provider = Provider::start();
    let keychain = Keychain::unlocked();
    let in_keychain = signed_in(Home::new().vault(Vault::Keychain(keychain.address())), &provider).await;
    let in_file = signed_in(Home::new(), &provider).await;
    let service = home::Home::at(in_keychain.state()).keychain_service();
    let user = format!("account:{}", AccountName::default());

    let program = |way| -> Tokenferry {
        match way {
            Way::SecretTool => in_keychain.program("secret-tool", ["lookup", "service", &service, "username", &user]),
            Way::Keychain => in_keychain.tokenferry(["token"]),
            Way::File => in_file.tokenferry(["token"]),
        }
    };
    let ways = [Way::SecretTool, Way::Keychain, Way::File];
    let once = async |way| timed(program(way).prints_a_secret()).await;
    let times = take_turns(&ways, rounds * MORE_ROUNDS, once).await;

    heading("A token, cold", "times secret-tool");
    for (way, measured) in ways.iter().zip(&times) {
        line(way.name(), measured, Some(measured.ratio_to(&times[0])));
    }
    vec![Target::ratio("tokenferry token, as against secret-tool", AT_MOST, times[1].ratio_to(&times[0]))]
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::SecretTool => "secret-tool lookup",
            Self::Keychain => "tokenferry token, from the keychain",
            Self::File => "tokenferry token, from the encrypted file",
        }
    }
}

async fn signed_in(home: Home, provider: &Provider) -> Home {
    let home = home.provider(provider);
    home.tokenferry(["login"]).run().await.succeeds();
    home
}
