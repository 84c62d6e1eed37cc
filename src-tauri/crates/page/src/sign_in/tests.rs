use super::*;

fn sign_ins() -> SignIns {
    SignIns::new(watch::Sender::new(()))
}

fn phase(sign_ins: &SignIns) -> Option<Phase> {
    sign_ins.now().map(|told| told.phase)
}

#[test]
fn there_is_one_at_a_time_and_a_failed_one_makes_room() {
    let sign_ins = sign_ins();
    let first = sign_ins.attempt(AccountName::default(), Way::Window).unwrap();
    let refused = sign_ins.attempt("work".parse().unwrap(), Way::Paste).unwrap_err();
    assert_eq!(refused.code, "signing_in");
    first.end(Err(Stop::failed("no", "No.", "")));
    assert_eq!(phase(&sign_ins), Some(Phase::Failed));
    assert_eq!(sign_ins.say(Word::Code("code".to_owned())).unwrap_err().code, "not_pending");
    sign_ins.attempt("work".parse().unwrap(), Way::Paste).unwrap().end(Ok(()));
    assert_eq!(sign_ins.now(), None);
}

#[test]
fn one_that_was_given_up_says_no_more() {
    let sign_ins = sign_ins();
    let first = sign_ins.attempt(AccountName::default(), Way::Window).unwrap();
    sign_ins.cancel();
    assert!(first.stop.is_cancelled());
    let second = sign_ins.attempt(AccountName::default(), Way::Browser).unwrap();
    first.tell(Phase::Trading);
    first.end(Err(Stop::failed("late", "Late.", "")));
    assert_eq!(phase(&sign_ins), Some(Phase::Waiting));
    second.end(Ok(()));
}

#[test]
fn the_page_is_told_in_plain_words() {
    let sign_ins = sign_ins();
    let attempt = sign_ins.attempt(AccountName::default(), Way::Window).unwrap();
    attempt.wait(Phase::Google, &"https://claude.com/".parse().unwrap(), true);
    let told = || serde_json::to_value(sign_ins.now()).unwrap();
    let mut expected = serde_json::json!({
        "account": "default", "way": "window", "phase": "google", "url": "https://claude.com/", "opened": true, "log": [],
        "trouble": null, "replaces": null
    });
    assert_eq!(told(), expected);
    attempt.remark(words::code_of_another());
    expected["trouble"] = serde_json::json!({
        "code": "code_of_another", "what": "That code belongs to another sign-in.", "fix": "Copy the one of the page above."
    });
    assert_eq!(told(), expected);
    attempt.tell(Phase::Trading);
    assert_eq!(told()["trouble"], serde_json::Value::Null, "what was wrong is over");
}
