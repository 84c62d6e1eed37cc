//! The program keeps Secrets fresh, in every format that goes there.

use bed::steps::{destination, eventually, sign_in, token};
use bed::{Home, Provider};
use engine::destinations::kubernetes::key_of;
use engine::formats::{ALL, Taker};

use crate::stand_in::StandIn;

fn secret_of(taker: &dyn Taker) -> String {
    format!("default/{}", taker.name())
}

fn value(cluster: &StandIn, taker: &dyn Taker) -> Option<String> {
    let key = key_of(taker.files()[0].path).unwrap();
    cluster.secret(&secret_of(taker))?.value(&key).map(|value| String::from_utf8(value).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_goes_to_a_secret() {
    let (provider, cluster) = (Provider::start(), StandIn::start().await);
    let home = Home::new().provider(&provider).set("KUBECONFIG", cluster.kubeconfig("certificate"));
    sign_in(&home).await;
    let takers: Vec<_> = ALL.iter().filter(|taker| taker.name() != "litellm-row").collect();
    for taker in &takers {
        let (name, secret) = (taker.name(), secret_of(**taker));
        let add = ["destination", "add", name, "--kubernetes", &secret, "--format", name, "--yes"];
        home.tokenferry(add).run().await.succeeds();
    }
    for _ in 0..2 {
        home.tokenferry(["sync"]).run().await.succeeds();
        let token = token(&home).await;
        for taker in &takers {
            let value = value(&cluster, **taker).unwrap_or_else(|| panic!("{} has no key", taker.name()));
            assert!(value.contains(&token) && !value.contains("sk-ant-ort"), "{}", taker.name());
            assert_eq!(destination(&home, taker.name()).await["code"], "up_to_date");
        }
        home.tokenferry(["refresh"]).run().await.succeeds();
    }
    let mut run = home.tokenferry(["run"]).spawn();
    run.says("Keeping everything fresh.").await;
    let newest = token(&home).await;
    let is_there = || takers.iter().all(|taker| value(&cluster, **taker).is_some_and(|it| it.contains(&newest)));
    eventually("run delivers what is due", async || is_there()).await;
    home.tokenferry(["logout"]).run().await.succeeds();
    for taker in &takers {
        assert_eq!(value(&cluster, **taker), None, "{}", taker.name());
    }
    cluster.assert_nothing_strange();
}
